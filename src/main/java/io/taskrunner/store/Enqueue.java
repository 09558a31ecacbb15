package io.taskrunner.store;

import io.taskrunner.task.Task.TaskSpec;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * The wish to put one task into a queue; everything in it has been validated.
 *
 * @param clientId whose task it is
 * @param proof how the caller showed that it may
 * @param queue the name of the queue
 * @param when when it is to run
 * @param spec what to perform
 * @param maxConcurrent lowers the client's limit as it is told to the caller; null when not said
 *     (the same as in the spec)
 * @param requestsPerMin lowers the client's limit for this request; null when not said
 * @param idempotency the key and what it stands for; null for none
 */
public record Enqueue(
    String clientId,
    Proof proof,
    String queue,
    When when,
    TaskSpec spec,
    @Nullable Integer maxConcurrent,
    @Nullable Integer requestsPerMin,
    @Nullable Idempotency idempotency) {

  /** How the caller is known. */
  public enum Proof {
    /**
     * By {@code client_id} alone, while {@code CLIENT_AUTH=open}. Refused for a client that ever
     * had a key.
     */
    OPEN,
    /** By a key of the client. */
    KEY,
    /**
     * By the admin's key, for a client that must be known, or while {@code CLIENT_AUTH=open} may be
     * made known.
     */
    ADMIN
  }

  /** When a task is to run. */
  public sealed interface When {
    /** A time from now on the store's clock; zero is now. */
    record In(Duration delay) implements When {}

    /** No earlier than a time; a past one is now. */
    record At(Instant time) implements When {}
  }

  /**
   * Makes a repeated call harmless.
   *
   * @param key as the caller gave it
   * @param payload the SHA-256 of the validated request
   */
  public record Idempotency(String key, byte[] payload) {}
}
