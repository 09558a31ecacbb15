package io.taskrunner.client;

import java.util.List;

/**
 * A named pair of limits.
 *
 * @param name {@code ^[A-Za-z0-9_-]{1,64}$}
 * @param limits of its clients
 * @param revision differs after each change; 0 when it was never changed since revisions exist
 */
public record Tier(String name, Limits limits, long revision) {

  /** A tier that was never changed. */
  public Tier(String name, Limits limits) {
    this(name, limits, 0);
  }

  /** The default tier of a client. */
  public static final String DEFAULT = "default";

  /** The five built-in tiers, in display order. */
  public static final List<Tier> BUILT_IN =
      List.of(
          new Tier("free", new Limits(1, 10)),
          new Tier("basic", new Limits(5, 100)),
          new Tier("premium", new Limits(20, 1000)),
          new Tier("enterprise", new Limits(50, 5000)),
          new Tier(DEFAULT, new Limits(3, 50)));

  /** Whether this is one of the tiers that cannot be deleted. */
  public static boolean isBuiltIn(String name) {
    return BUILT_IN.stream().anyMatch(tier -> tier.name().equals(name));
  }
}
