/** Clients, tiers and the global pause: the calls under {@code /admin}. */
@NullMarked
package io.taskrunner.http.admin;

import org.jspecify.annotations.NullMarked;
