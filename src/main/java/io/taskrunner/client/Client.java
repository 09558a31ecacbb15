package io.taskrunner.client;

import java.time.Instant;
import java.util.regex.Pattern;

/**
 * A client that enqueues tasks.
 *
 * @param id matches {@link #ID}
 * @param settings its settings, made by an admin
 * @param limits the effective limits: its own, else the tier's
 * @param created when it was created or registered
 * @param updated when an admin last changed it
 * @param revision differs after each change; 0 when it was never changed since revisions exist
 */
public record Client(
    String id,
    ClientSettings settings,
    Limits limits,
    Instant created,
    Instant updated,
    long revision) {

  /** The form of a client's id. */
  public static final Pattern ID = Pattern.compile("[A-Za-z0-9_-]{3,64}");

  /**
   * The form of an entry of {@link ClientSettings#allowedQueues}: the name of a queue; or, of
   * Google Cloud Tasks, the full name of a queue or of its parent, or either with a trailing star.
   */
  public static final Pattern ALLOWED_QUEUE =
      Pattern.compile(
          "[A-Za-z0-9_-]{1,64}|projects/[A-Za-z0-9:.-]{1,200}"
              + "(/locations/[A-Za-z0-9-]{1,100}(/queues(/[A-Za-z0-9-]{1,100})?)?)?(/\\*)?");

  /** The wildcard for every service account. */
  public static final String ANY_ACCOUNT = "*";
}
