/**
 * Claims tasks from the store, has them performed, and delivers the verdicts.
 *
 * <p>{@link io.taskrunner.worker.ClaimLoop} decides when to claim tasks and deliver verdicts;
 * {@link io.taskrunner.worker.Exchanges} does both in one round trip to the store; {@link
 * io.taskrunner.worker.Runs} are the claimed tasks, from the claim to the verdict; {@link
 * io.taskrunner.worker.Settler} keeps the verdicts until they are safe; {@link
 * io.taskrunner.worker.LeaseKeeper} renews the leases of running tasks; {@link
 * io.taskrunner.worker.Worker} starts and stops them together. Performs attempts only through the
 * package {@code dispatch}. Independent of Redis and of HTTP servers.
 */
@NullMarked
package io.taskrunner.worker;

import org.jspecify.annotations.NullMarked;
