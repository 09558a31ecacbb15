/**
 * Clients, their tiers and limits, their keys.
 *
 * <p>Depends only on the JDK and the package {@code task}.
 */
@NullMarked
package io.taskrunner.client;

import org.jspecify.annotations.NullMarked;
