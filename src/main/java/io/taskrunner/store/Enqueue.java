package io.taskrunner.store;

import io.taskrunner.task.Task.TaskSpec;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A request to enqueue one task; everything in it has been validated.
 *
 * @param clientId whose task it is
 * @param proof how the caller authenticated
 * @param queue the name of the queue
 * @param when when it shall run
 * @param spec the request and its settings
 * @param maxConcurrent lowers the client's limit as reported to the caller; null when unset (the
 *     same as in the spec)
 * @param requestsPerMin lowers the client's limit for this request; null when unset
 * @param idempotency the key and the digest of its request; null for none
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

  /** The same with another request. */
  public Enqueue with(TaskSpec other) {
    return new Enqueue(
        clientId, proof, queue, when, other, maxConcurrent, requestsPerMin, idempotency);
  }

  /** How the caller authenticated. */
  public enum Proof {
    /**
     * By {@code client_id} only, while {@code CLIENT_AUTH=open}. Rejected for a client that ever
     * had a key.
     */
    OPEN,
    /** With a key of the client. */
    KEY,
    /**
     * With the admin key; the client must exist, or is auto-registered while {@code
     * CLIENT_AUTH=open}.
     */
    ADMIN
  }

  /** When a task shall run. */
  public sealed interface When {
    /** A delay on the store's clock; zero is now. */
    record In(Duration delay) implements When {}

    /** Not before a time; a past one is now. */
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
