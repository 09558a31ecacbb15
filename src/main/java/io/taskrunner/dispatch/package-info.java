/**
 * One attempt of a task: from a claim to its outcome.
 *
 * <p>The worker passes a claim to a {@link io.taskrunner.dispatch.Performer} and gets an outcome:
 * {@link io.taskrunner.dispatch.Signed} and {@link io.taskrunner.dispatch.Authorized} complete the
 * request where its client or its task requires it. {@link io.taskrunner.dispatch.Dispatcher} looks
 * up the target's name, checks all its addresses with the {@link
 * io.taskrunner.dispatch.AddressGuard}, takes or opens a connection to the checked address, sends
 * the request byte for byte and reports the outcome, also to the {@link
 * io.taskrunner.dispatch.Breaker}. Nothing here blocks, or depends on queues, leases or Redis: the
 * consequences of an outcome are decided elsewhere.
 *
 * <p>The HTTP client is custom, on Netty: requests must be exact (path and query as given, no
 * header added), connections must be bounded, and it must be known whether anything was written
 * before a request is sent a second time.
 */
@NullMarked
package io.taskrunner.dispatch;

import org.jspecify.annotations.NullMarked;
