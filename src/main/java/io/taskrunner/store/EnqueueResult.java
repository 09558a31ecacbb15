package io.taskrunner.store;

import io.taskrunner.client.Limits;
import io.taskrunner.task.TaskId;
import java.time.Duration;
import java.time.Instant;

/** What came of an {@link Enqueue}. */
public sealed interface EnqueueResult {

  /** An answer with a task behind it. */
  sealed interface Accepted extends EnqueueResult {
    /** The task. */
    TaskId id();

    /** When it is to run. */
    Instant scheduled();

    /** Where the client stands. */
    Quota quota();

    /** How many replicas had it. */
    int replicas();
  }

  /** A new task. */
  record Enqueued(TaskId id, Instant scheduled, Quota quota, int replicas) implements Accepted {}

  /** The task of an earlier call with the same idempotency key. */
  record Duplicate(TaskId id, Instant scheduled, Quota quota, int replicas) implements Accepted {}

  /**
   * Where a client stands with its limit.
   *
   * @param limits in force for this request
   * @param remaining tasks that would be accepted now
   * @param fullAgain when the whole limit is free again
   */
  record Quota(Limits limits, int remaining, Instant fullAgain) {}

  /** A no. */
  sealed interface Refused extends EnqueueResult {}

  /** Too many in the last minute; nothing was used up. */
  record RateLimited(Quota quota, Duration retryAfter) implements Refused {}

  /**
   * As much of the client's waits as may; nothing was used up.
   *
   * @param most that may wait: tasks, or bytes of their bodies
   * @param there that does
   * @param bytes whether it is bytes
   */
  record BacklogFull(long most, long there, boolean bytes) implements Refused {}

  /** The key was used with another payload. */
  record KeyReused() implements Refused {}

  /** No such queue. */
  record QueueNotFound() implements Refused {}

  /** The client may not use this queue. */
  record QueueNotAllowed() implements Refused {}

  /** The client is disabled or deleted. */
  record ClientDisabled() implements Refused {}

  /** The client has, or had, a key and did not show it. */
  record KeyRequired() implements Refused {}

  /** The client is not known, and may not be made known on the spot. */
  record ClientUnknown() implements Refused {}

  /** Too many clients were made known on the spot. */
  record TooManyClients() implements Refused {}

  /** The store has no room. */
  record StoreFull() implements Refused {}
}
