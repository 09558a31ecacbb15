package io.taskrunner.client;

import java.time.Instant;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Somebody who enqueues.
 *
 * @param id matches {@link #ID}
 * @param tier the name of its tier
 * @param enabled whether its calls are taken
 * @param ownMaxConcurrent replaces the tier's number; null for the tier's
 * @param ownRequestsPerMin replaces the tier's number; null for the tier's
 * @param limits what is in force: its own numbers, else the tier's
 * @param allowedQueues the queues that it may use; null for all
 * @param created when it was first known
 * @param updated when an admin last changed it
 */
public record Client(
    String id,
    String tier,
    boolean enabled,
    @Nullable Integer ownMaxConcurrent,
    @Nullable Integer ownRequestsPerMin,
    Limits limits,
    @Nullable List<String> allowedQueues,
    Instant created,
    Instant updated) {

  /** The form of a client's id. */
  public static final Pattern ID = Pattern.compile("[A-Za-z0-9_-]{3,64}");

  /**
   * The form of an entry of {@link #allowedQueues}: the name of a queue; or, of Google Cloud Tasks,
   * a whole name of a queue or of what queues lie in, or either with a star at its end.
   */
  public static final Pattern ALLOWED_QUEUE =
      Pattern.compile(
          "[A-Za-z0-9_-]{1,64}|projects/[A-Za-z0-9:.-]{1,200}"
              + "(/locations/[A-Za-z0-9-]{1,100}(/queues(/[A-Za-z0-9-]{1,100})?)?)?(/\\*)?");

  /** Keeps the queues from being changed. */
  public Client {
    allowedQueues = allowedQueues == null ? null : List.copyOf(allowedQueues);
  }
}
