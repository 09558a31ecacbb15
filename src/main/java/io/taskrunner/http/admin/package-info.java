/** Clients, tiers and the one big switch: the calls under {@code /admin}. */
@NullMarked
package io.taskrunner.http.admin;

import org.jspecify.annotations.NullMarked;
