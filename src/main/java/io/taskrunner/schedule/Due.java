package io.taskrunner.schedule;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What is to be done of a schedule at some time.
 *
 * @param ticks whose tasks are to be made, in order; at most {@value #AT_ONCE}
 * @param missed so many ticks before these make no task
 * @param lastMissed the last of those; empty when there is none
 * @param next the tick to wait for after that; it may be due as well
 */
public record Due(List<Instant> ticks, long missed, Optional<Instant> lastMissed, Instant next) {

  /** A tick that is found this late was missed; what is less late is made in any case. */
  private static final Duration LATE_MAX = Duration.ofSeconds(60);

  /** No rhythm that has gone on for so many ticks is likely to have fewer to be caught up with. */
  private static final Duration LOOKED_AT_LAST = Duration.ofDays(1);

  /** So many ticks are caught up with at the most. */
  public static final int CAUGHT_UP_MAX = 1000;

  /** So many tasks are made in one move. */
  public static final int AT_ONCE = 100;

  /** More ticks than these are not looked at one by one, but for those of the last day. */
  private static final int LOOKED_AT_MAX = 100_000;

  /** Keeps the ticks from being changed. */
  public Due {
    ticks = List.copyOf(ticks);
  }

  /**
   * Judges. Of more than {@value #LOOKED_AT_MAX} missed ticks, {@code missed} may tell less than
   * all.
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

  /** Whether a tick that came at one time and is found at another was missed. */
  public static boolean isLate(Instant comes, Instant now) {
    return !comes.plus(LATE_MAX).isAfter(now);
  }

  /** How many of the ticks that were missed make their tasks, before so many that were not. */
  private static int room(CatchUp catchUp, int timely) {
    return switch (catchUp) {
      case NONE -> 0;
      case LAST -> timely == 0 ? 1 : 0;
      case ALL -> CAUGHT_UP_MAX - timely;
    };
  }
}
