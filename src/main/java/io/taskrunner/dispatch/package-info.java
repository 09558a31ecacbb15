/**
 * One attempt of a task: from a claim to its outcome.
 *
 * <p>{@link io.taskrunner.dispatch.Dispatcher} has the target's name looked up and every address of
 * it judged by the {@link io.taskrunner.dispatch.AddressGuard}, takes or makes a connection to the
 * very address that was judged, sends the request byte for byte and tells what came of it, also to
 * the {@link io.taskrunner.dispatch.Breaker}. Nothing here blocks, and nothing here knows of
 * queues, leases or Redis: what follows from an outcome is decided elsewhere.
 *
 * <p>The HTTP client is this room's own, on Netty: what goes out must be exact (path and query as
 * given, no header added), connections must be bounded, and it must be known whether anything was
 * written before a request is sent a second time.
 */
@NullMarked
package io.taskrunner.dispatch;

import org.jspecify.annotations.NullMarked;
