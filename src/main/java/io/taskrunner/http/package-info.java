/**
 * The server: one port, every route, and the way a call goes through.
 *
 * <p>{@code call} holds what every handler needs, {@code v1}, {@code admin} and {@code operate} the
 * handlers. This room knows the store by its interfaces alone, and no worker.
 */
@NullMarked
package io.taskrunner.http;

import org.jspecify.annotations.NullMarked;
