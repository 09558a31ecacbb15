package io.taskrunner.schedule;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;

/** When the ticks of a schedule are. */
public sealed interface Rhythm {

  /**
   * The tick after another.
   *
   * @param tick the one before, or when the schedule was set
   */
  Instant next(Instant tick);

  /** Skips from a tick long ago to one near a time, without examining all in between. */
  Instant near(Instant tick, Instant time);

  /**
   * A fixed interval.
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
   * A cron expression.
   *
   * @param zone the time zone of the expression
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
