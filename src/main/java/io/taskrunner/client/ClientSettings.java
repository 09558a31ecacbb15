package io.taskrunner.client;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The settings of a client, made by an admin.
 *
 * @param tier the name of its tier
 * @param enabled whether its calls are accepted
 * @param maxConcurrent replaces the tier's number; null for the tier's
 * @param requestsPerMin replaces the tier's number; null for the tier's
 * @param allowedQueues the queues that it may use; null for all
 * @param serviceAccounts identities that its tasks may use in a token, {@link Client#ANY_ACCOUNT}
 *     for any; empty for no tokens
 * @param maxWaiting maximum number of unfinished tasks; null for no limit
 * @param maxWaitingBytes maximum total size of their bodies, in bytes; null for no limit
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

  /** The default settings of a client that an admin created. */
  public static final ClientSettings DEFAULT =
      new ClientSettings(Tier.DEFAULT, true, null, null, null, List.of(), null, null);

  /** Keeps the queues and accounts from being changed. */
  public ClientSettings {
    allowedQueues = allowedQueues == null ? null : List.copyOf(allowedQueues);
    serviceAccounts = List.copyOf(serviceAccounts);
  }

  /** Its own limits, else its tier's. */
  public Limits limits(Limits ofTier) {
    return new Limits(
        maxConcurrent == null ? ofTier.maxConcurrent() : maxConcurrent,
        requestsPerMin == null ? ofTier.requestsPerMin() : requestsPerMin);
  }

  /** Whether its tasks may use a queue. */
  public boolean mayUse(String queue) {
    return allowedQueues == null || allowedQueues.contains(queue);
  }

  /** Whether its tasks may use a token of this account. */
  public boolean mayBe(String account) {
    return serviceAccounts.contains(account) || serviceAccounts.contains(Client.ANY_ACCOUNT);
  }
}
