package io.taskrunner.client;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What an admin sets on a client.
 *
 * @param tier the name of its tier
 * @param enabled whether its calls are taken
 * @param maxConcurrent replaces the tier's number; null for the tier's
 * @param requestsPerMin replaces the tier's number; null for the tier's
 * @param allowedQueues the queues that it may use; null for all
 * @param serviceAccounts whom its tasks may say to be in a token, {@link Client#ANY_ACCOUNT} for
 *     anyone; empty for no tokens
 * @param maxWaiting so many of its tasks may be unfinished, for one more to be taken; null for any
 *     number
 * @param maxWaitingBytes so many bytes of their bodies; null for any number
 */
public record ClientSettings(
    String tier,
    boolean enabled,
    @Nullable Integer maxConcurrent,
    @Nullable Integer requestsPerMin,
    @Nullable List<String> allowedQueues,
    List<String> serviceAccounts,
    @Nullable Integer maxWaiting,
    @Nullable Long maxWaitingBytes) {

  /** Those of a client that an admin set up and gave none. */
  public static final ClientSettings DEFAULT =
      new ClientSettings(Tier.DEFAULT, true, null, null, null, List.of(), null, null);

  /** Keeps the queues and accounts from being changed. */
  public ClientSettings {
    allowedQueues = allowedQueues == null ? null : List.copyOf(allowedQueues);
    serviceAccounts = List.copyOf(serviceAccounts);
  }

  /** Its own limits, and its tier's where it has none. */
  public Limits limits(Limits ofTier) {
    return new Limits(
        maxConcurrent == null ? ofTier.maxConcurrent() : maxConcurrent,
        requestsPerMin == null ? ofTier.requestsPerMin() : requestsPerMin);
  }

  /** Whether its tasks may go to a queue. */
  public boolean mayUse(String queue) {
    return allowedQueues == null || allowedQueues.contains(queue);
  }

  /** Whether its tasks may carry a token of this account. */
  public boolean mayBe(String account) {
    return serviceAccounts.contains(account) || serviceAccounts.contains(Client.ANY_ACCOUNT);
  }
}
