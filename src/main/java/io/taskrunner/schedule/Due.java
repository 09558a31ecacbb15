package io.taskrunner.schedule;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The due work of a schedule at some time.
 *
 * @param ticks whose tasks must be created, in order; at most {@value #AT_ONCE}
 * @param missed number of ticks before these that create no task
 * @param lastMissed the last of those; empty when there is none
 * @param next the tick to wait for after that; it may be due as well
 */
public record Due(List<Instant> ticks, long missed, Optional<Instant> lastMissed, Instant next) {

  /** A tick that is found this late was missed; a less late one always creates its task. */
  private static final Duration LATE_MAX = Duration.ofSeconds(60);

  /** After this many ticks, a rhythm unlikely has fewer left to catch up. */
  private static final Duration LOOKED_AT_LAST = Duration.ofDays(1);

  /** Maximum number of ticks to catch up. */
  public static final int CAUGHT_UP_MAX = 1000;

  /** Maximum number of tasks created in one call. */
  public static final int AT_ONCE = 100;

  /** Ticks beyond this number are not examined one by one, except those of the last day. */
  private static final int LOOKED_AT_MAX = 100_000;

  /** Keeps the ticks from being changed. */
  public Due {
    ticks = List.copyOf(ticks);
  }

  /**
   * Computes the due work. Of more than {@value #LOOKED_AT_MAX} missed ticks, {@code missed} may be
   * less than the actual number.
   *
   * @param next the tick that the schedule waits for
   */
  public static Due of(Rhythm rhythm, CatchUp catchUp, Jitter jitter, Instant next, Instant now) {
    Deque<Instant> late = new ArrayDeque<>();
    Deque<Instant> timely = new ArrayDeque<>();
    Optional<Instant> lastMissed = Optional.empty();
    long missed = 0;
    Instant tick = next;
    for (int seen = 0; ; seen++) {
      Instant following = rhythm.next(tick);
      Instant comes = jitter.of(tick, following);
      if (comes.isAfter(now)) {
        break;
      }
      (isLate(comes, now) ? late : timely).addLast(tick);
      while (late.size() > room(catchUp, timely.size())) {
        lastMissed = Optional.of(late.removeFirst());
        missed++;
      }
      if (seen == LOOKED_AT_MAX) {
        Instant near = rhythm.near(tick, now.minus(LOOKED_AT_LAST));
        following = near.isAfter(following) ? near : following;
      }
      tick = following;
    }
    List<Instant> all = Stream.concat(late.stream(), timely.stream()).toList();
    return new Due(
        all.stream().limit(AT_ONCE).toList(),
        missed,
        lastMissed,
        all.stream().skip(AT_ONCE).findFirst().orElse(tick));
  }

  /** Whether a tick at one time that is found at another was missed. */
  public static boolean isLate(Instant comes, Instant now) {
    return !comes.plus(LATE_MAX).isAfter(now);
  }

  /** How many missed ticks create their tasks, before this many that were not missed. */
  private static int room(CatchUp catchUp, int timely) {
    return switch (catchUp) {
      case NONE -> 0;
      case LAST -> timely == 0 ? 1 : 0;
      case ALL -> CAUGHT_UP_MAX - timely;
    };
  }
}
