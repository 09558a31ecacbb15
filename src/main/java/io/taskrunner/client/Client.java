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
 * @param maxWaiting so many of its tasks may be unfinished, for one more to be taken; null for any
 *     number
 * @param maxWaitingBytes so many bytes of their bodies; null for any number
 * @param allowedQueues the queues that it may use; null for all
 * @param serviceAccounts whom its tasks may say to be in a token, {@link #ANY_ACCOUNT} for anyone;
 *     empty for no tokens
 * @param created when it was first known
 * @param updated when an admin last changed it
 * @param revision another with each change; 0 where nobody changed it since there are revisions
 */
public record Client(
    String id,
    String tier,
    boolean enabled,
    @Nullable Integer ownMaxConcurrent,
    @Nullable Integer ownRequestsPerMin,
    Limits limits,
    @Nullable Integer maxWaiting,
    @Nullable Long maxWaitingBytes,
    @Nullable List<String> allowedQueues,
    List<String> serviceAccounts,
    Instant created,
    Instant updated,
    long revision) {

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

  /** Stands for every service account. */
  public static final String ANY_ACCOUNT = "*";

  /** Keeps the queues and accounts from being changed. */
  public Client {
    serviceAccounts = List.copyOf(serviceAccounts);
    allowedQueues = allowedQueues == null ? null : List.copyOf(allowedQueues);
  }

  /** Whether its tasks may carry a token of this account. */
  public boolean mayBe(String account) {
    return serviceAccounts.contains(account) || serviceAccounts.contains(ANY_ACCOUNT);
  }
}
