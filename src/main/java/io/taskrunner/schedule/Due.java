package io.taskrunner.schedule;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

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
  public static final Duration LATE_MAX = Duration.ofSeconds(60);

  /** So many ticks are caught up with at the most. */
  public static final int CAUGHT_UP_MAX = 1000;

  /** So many tasks are made in one move. */
  public static final int AT_ONCE = 100;

  /** More ticks than these are not looked at one by one. */
  private static final int LOOKED_AT_MAX = 100_000;

  /** Keeps the ticks from being changed. */
  public Due {
    ticks = List.copyOf(ticks);
  }

  /**
   * Judges.
   *
   * @param next the tick that the schedule waits for
   */
  public static Due of(Rhythm rhythm, CatchUp catchUp, Jitter jitter, Instant next, Instant now) {
    int keep = catchUp == CatchUp.ALL ? CAUGHT_UP_MAX : 1;
    Deque<Instant> kept = new ArrayDeque<>();
    Optional<Instant> lastMissed = Optional.empty();
    long missed = 0;
    Instant tick = next;
    for (int seen = 0; !jitter.of(tick).isAfter(now); seen++) {
      kept.addLast(tick);
      if (kept.size() > keep) {
        lastMissed = Optional.of(kept.removeFirst());
        missed++;
      }
      Instant following = rhythm.next(tick);
      if (seen == LOOKED_AT_MAX && rhythm.near(tick, now).isAfter(following)) {
        following = rhythm.near(tick, now);
        lastMissed = Optional.of(kept.getLast());
        missed += kept.size();
        kept.clear();
      }
      tick = following;
    }
    if (catchUp == CatchUp.NONE
        && !kept.isEmpty()
        && jitter.of(kept.getLast()).plus(LATE_MAX).isBefore(now)) {
      lastMissed = Optional.of(kept.getLast());
      missed += kept.size();
      kept.clear();
    }
    List<Instant> ticks = kept.stream().limit(AT_ONCE).toList();
    Instant after = kept.stream().skip(AT_ONCE).findFirst().orElse(tick);
    return new Due(ticks, missed, lastMissed, after);
  }
}
