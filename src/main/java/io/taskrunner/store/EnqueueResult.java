package io.taskrunner.store;

import io.taskrunner.client.Limits;
import io.taskrunner.task.TaskId;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.Optional;

/** The result of an {@link Enqueue}. */
public sealed interface EnqueueResult {

  /** A result with a task. */
  sealed interface Accepted extends EnqueueResult {
    /** The task. */
    TaskId id();

    /** When it shall run. */
    Instant scheduled();

    /** The client's rate limit state. */
    Quota quota();

    /** The number of replicas that had it. */
    int replicas();
  }

  /**
   * A new task.
   *
   * @param waits what keeps it from starting at its time, as far as is known without a look; empty
   *     when nothing does
   */
  record Enqueued(TaskId id, Instant scheduled, Quota quota, int replicas, Optional<Wait> waits)
      implements Accepted {}

  /** What keeps a new task from starting. */
  enum Wait {
    /** All queues are paused. */
    DISPATCH_PAUSED,
    /** Its queue is paused. */
    QUEUE_PAUSED,
    /** Its queue runs as many tasks as its limit permits. */
    QUEUE_MAX_CONCURRENT,
    /** Its client does. */
    CLIENT_MAX_CONCURRENT,
    /** The circuit breaker of its host is open. */
    CIRCUIT_BREAKER;

    /** Its name in responses. */
    public String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** The task of an earlier call with the same idempotency key. */
  record Duplicate(TaskId id, Instant scheduled, Quota quota, int replicas) implements Accepted {}

  /**
   * The state of a client's rate limit.
   *
   * @param limits in force for this request
   * @param remaining tasks that would be accepted now
   * @param fullAgain when the full limit is available again
   */
  record Quota(Limits limits, int remaining, Instant fullAgain) {}

  /** A rejection. */
  sealed interface Refused extends EnqueueResult {}

  /** Rate limit reached in the last minute; nothing was consumed. */
  record RateLimited(Quota quota, Duration retryAfter) implements Refused {}

  /**
   * The client's backlog is full; nothing was consumed.
   *
   * @param most the limit: tasks, or bytes of their bodies
   * @param there the current value
   * @param bytes whether the limit is in bytes
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

  /** The client has, or had, a key and did not present one. */
  record KeyRequired() implements Refused {}

  /** The client does not exist, and may not be auto-registered. */
  record ClientUnknown() implements Refused {}

  /** The limit of auto-registered clients is reached. */
  record TooManyClients() implements Refused {}

  /** The store is full. */
  record StoreFull() implements Refused {}
}
