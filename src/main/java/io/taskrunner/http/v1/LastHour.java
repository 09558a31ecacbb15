package io.taskrunner.http.v1;

import io.taskrunner.http.call.JsonOut;
import io.taskrunner.store.SeriesStore;
import io.taskrunner.store.SeriesStore.Counts;
import io.taskrunner.store.SeriesStore.Of;
import io.taskrunner.store.SeriesStore.Point;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * What happened in all queues in the last hour, by minute; and in the last 60 s, estimated from the
 * minute that has begun and the one before.
 *
 * @param from when the first minute began
 * @param points of each minute, the one that has begun included; null when nothing is known
 * @param share of the minute before that is less than 60 s ago
 */
record LastHour(Instant from, List<@Nullable Point> points, double share) {

  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final int MINUTES = 60;

  static LastHour of(SeriesStore series, Instant now) {
    long millis = now.toEpochMilli();
    long minute = Math.floorDiv(millis, MINUTE.toMillis());
    Instant from = Instant.ofEpochMilli((minute - MINUTES) * MINUTE.toMillis());
    return new LastHour(
        from,
        series.read(new Of.All(), from, MINUTES + 1, MINUTE).orElseThrow(),
        1 - (double) Math.floorMod(millis, MINUTE.toMillis()) / MINUTE.toMillis());
  }

  private @Nullable Counts counts(int minute) {
    Point point = points.get(minute);
    return point == null ? null : point.counts();
  }

  /** The series. */
  void write(JsonOut out) throws IOException {
    Series.write(out, null, from, (int) MINUTE.toSeconds(), points);
  }

  /** The last 60 s. */
  void writeLastMinute(JsonOut out) throws IOException {
    Counts before = counts(MINUTES - 1);
    Counts current = counts(MINUTES);
    out.number("enqueued", number(before, current, Counts::enqueued));
    out.number("succeeded", number(before, current, Counts::succeeded));
    out.number("failed", number(before, current, Counts::failed));
    out.number("died", number(before, current, Counts::died));
    Counts lags = current != null && current.lag().total() > 0 ? current : before;
    out.number("lag_p50_sec", lags == null ? null : Series.seconds(lags.lag().quantile(0.5)));
    out.number("lag_p95_sec", lags == null ? null : Series.seconds(lags.lag().quantile(0.95)));
  }

  private @Nullable Long number(
      @Nullable Counts before, @Nullable Counts current, ToLongFunction<Counts> of) {
    if (before == null && current == null) {
      return null;
    }
    double earlier = before == null ? 0 : share * of.applyAsLong(before);
    return Math.round(earlier) + (current == null ? 0 : of.applyAsLong(current));
  }
}
