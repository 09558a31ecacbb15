/**
 * The server: one port, every route, and the path of a call.
 *
 * <p>{@code call} holds the parts common to every handler, {@code v1}, {@code admin} and {@code
 * operate} the handlers. This package knows only the interfaces of the store, and no worker.
 */
@NullMarked
package io.taskrunner.http;

import org.jspecify.annotations.NullMarked;
