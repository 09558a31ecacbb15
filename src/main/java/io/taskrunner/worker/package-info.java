/**
 * Takes tasks from the store, has them performed, and delivers what follows from it.
 *
 * <p>{@link io.taskrunner.worker.ClaimLoop} asks for tasks and delivers verdicts, one round trip
 * for a batch of both; {@link io.taskrunner.worker.Settler} keeps the verdicts until they are safe;
 * {@link io.taskrunner.worker.LeaseKeeper} keeps the leases of what runs; {@link
 * io.taskrunner.worker.Worker} starts and stops them together. Knows how an attempt is made only
 * through the room {@code dispatch}, and nothing of Redis or of HTTP servers.
 */
@NullMarked
package io.taskrunner.worker;

import org.jspecify.annotations.NullMarked;
