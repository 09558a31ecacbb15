package io.taskrunner.client;

import java.time.Instant;
import java.util.regex.Pattern;

/**
 * Somebody who enqueues.
 *
 * @param id matches {@link #ID}
 * @param settings what an admin set on it
 * @param limits what is in force: its own numbers, else the tier's
 * @param created when it was first known
 * @param updated when an admin last changed it
 * @param revision differs after each change; 0 where nobody changed it since there are revisions
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
   * Google Cloud Tasks, a whole name of a queue or of what queues lie in, or either with a star at
   * its end.
   */
  public static final Pattern ALLOWED_QUEUE =
      Pattern.compile(
          "[A-Za-z0-9_-]{1,64}|projects/[A-Za-z0-9:.-]{1,200}"
              + "(/locations/[A-Za-z0-9-]{1,100}(/queues(/[A-Za-z0-9-]{1,100})?)?)?(/\\*)?");

  /** Stands for every service account. */
  public static final String ANY_ACCOUNT = "*";
}
