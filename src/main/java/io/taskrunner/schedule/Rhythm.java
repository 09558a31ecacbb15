package io.taskrunner.schedule;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;

/** When the ticks of a schedule are. */
public sealed interface Rhythm {

  /**
   * The tick that follows another.
   *
   * @param tick the one before, or when the schedule was set
   */
  Instant next(Instant tick);

  /**
   * Goes on from a tick long ago to one about a time, for who does not want to look at all between.
   */
  Instant near(Instant tick, Instant time);

  /**
   * Always the same time apart.
   *
   * @param interval at least a second
   */
  record Every(Duration interval) implements Rhythm {
    @Override
    public Instant next(Instant tick) {
      return tick.plus(interval);
    }

    @Override
    public Instant near(Instant tick, Instant time) {
      return tick.plus(interval.multipliedBy(Duration.between(tick, time).dividedBy(interval)));
    }
  }

  /**
   * As a cron expression says.
   *
   * @param zone whose clock it speaks of
   */
  record ByCron(Cron cron, ZoneId zone) implements Rhythm {
    @Override
    public Instant next(Instant tick) {
      return cron.next(tick, zone);
    }

    @Override
    public Instant near(Instant tick, Instant time) {
      return cron.next(time, zone);
    }
  }
}
