package io.taskrunner.client;

/**
 * The limits of a client, over all replicas.
 *
 * @param maxConcurrent concurrent attempts, 1 to 1,000,000,000
 * @param requestsPerMin tasks accepted in any 60 s, 1 to 1,000,000,000
 */
public record Limits(int maxConcurrent, int requestsPerMin) {

  /** The highest value of either. */
  public static final int MAX = 1_000_000_000;
}
