package io.taskrunner.http.call;

import com.linecorp.armeria.common.HttpMethod;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.taskrunner.telemetry.Meters;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Times calls by route, method and status. */
final class CallMeters {

  /** The route label of unmatched paths. */
  private static final String UNMATCHED = "unmatched";

  private record Key(String route, HttpMethod method, int status) {}

  private final MeterRegistry registry;
  private final ConcurrentHashMap<Key, Timer> timers = new ConcurrentHashMap<>();

  CallMeters(MeterRegistry registry) {
    this.registry = registry;
  }

  void record(@Nullable Route route, HttpMethod method, int status, long nanos) {
    record(route == null ? UNMATCHED : route.template(), method, status, nanos);
  }

  /** As above, by the template of a route. */
  void record(String route, HttpMethod method, int status, long nanos) {
    Key key = new Key(route, method, status);
    Timer timer = timers.get(key);
    if (timer == null) {
      timer = timers.computeIfAbsent(key, this::timer);
    }
    timer.record(nanos, TimeUnit.NANOSECONDS);
  }

  private Timer timer(Key key) {
    return Meters.timer(
        registry,
        Meters.HTTP_REQUEST_DURATION,
        "route",
        key.route(),
        "method",
        key.method().name(),
        "status",
        Integer.toString(key.status()));
  }
}
