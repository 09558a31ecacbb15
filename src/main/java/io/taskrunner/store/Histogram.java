package io.taskrunner.store;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * How many times were in each of some fixed ranges. Histograms of several queues or minutes add up.
 *
 * @param counts for each of {@link #BOUNDS} the number of times up to it and above the one before;
 *     then that of longer ones
 */
public record Histogram(List<Long> counts) {

  /** The upper bounds of all ranges except the last. */
  public static final List<Duration> BOUNDS =
      List.of(
          Duration.ofMillis(10),
          Duration.ofMillis(30),
          Duration.ofMillis(100),
          Duration.ofMillis(300),
          Duration.ofSeconds(1),
          Duration.ofSeconds(3),
          Duration.ofSeconds(10),
          Duration.ofSeconds(30),
          Duration.ofMinutes(2),
          Duration.ofMinutes(10));

  /** The number of ranges. */
  public static final int RANGES = BOUNDS.size() + 1;

  /** Copies the counts. */
  public Histogram {
    counts = List.copyOf(counts);
    if (counts.size() != RANGES) {
      throw new IllegalArgumentException(
          "counts: " + counts.size() + " (expected: " + RANGES + ")");
    }
  }

  /** The range of a time, from 0. */
  public static int range(Duration time) {
    int range = 0;
    while (range < BOUNDS.size() && time.compareTo(BOUNDS.get(range)) > 0) {
      range++;
    }
    return range;
  }

  /** The number of times. */
  public long total() {
    return counts.stream().mapToLong(Long::longValue).sum();
  }

  /**
   * About the time that a share of all times does not exceed: within its range, as if the times
   * were spread evenly over it. Of times beyond the last bound only that bound is known.
   *
   * @param share above 0, at most 1
   * @return empty when there are no times
   */
  public Optional<Duration> quantile(double share) {
    if (total() == 0) {
      return Optional.empty();
    }
    double rank = share * total();
    Duration lower = Duration.ZERO;
    for (int range = 0; range < BOUNDS.size(); range++) {
      long count = counts.get(range);
      Duration upper = BOUNDS.get(range);
      if (count > 0 && rank <= count) {
        double width = upper.minus(lower).toNanos();
        return Optional.of(lower.plusNanos((long) (width * Math.max(0, rank) / count)));
      }
      rank -= count;
      lower = upper;
    }
    return Optional.of(lower);
  }
}
