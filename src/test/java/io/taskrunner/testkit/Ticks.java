package io.taskrunner.testkit;

import io.taskrunner.store.ScheduleStore;
import java.time.Duration;

/** Has due schedules processed. */
public final class Ticks {

  private Ticks() {}

  /** Processes those of all parts, one part after the other; returns the shortest wait. */
  public static Duration tick(ScheduleStore schedules) {
    return schedules.parts().stream()
        .map(ScheduleStore.Part::tick)
        .min(Duration::compareTo)
        .orElseThrow();
  }
}
