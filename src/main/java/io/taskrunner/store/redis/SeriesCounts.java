package io.taskrunner.store.redis;

import io.taskrunner.store.Histogram;
import io.taskrunner.store.SeriesStore.Failure;
import io.taskrunner.store.redis.record.SeriesRecord;
import io.taskrunner.store.redis.record.SeriesRecord.Event;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLongArray;

/** What this process did since it was last taken, by queue. Any thread may count. */
final class SeriesCounts {

  /** Failures that are kept between two calls of {@link #takeFailures}; the newest count. */
  static final int FAILURES_MAX = 20;

  private static final int LAG = Event.values().length;
  private static final int DURATION = LAG + Histogram.RANGES;

  /** Events, lags and durations of a queue; only numbers of existing queues are counted. */
  private final Map<String, AtomicLongArray> byQueue = new ConcurrentHashMap<>();

  private final Deque<Failure> failures = new ArrayDeque<>();

  void count(String queue, Event event, long times) {
    of(queue).addAndGet(event.ordinal(), times);
  }

  void lag(String queue, Duration lag) {
    of(queue).incrementAndGet(LAG + Histogram.range(lag));
  }

  void duration(String queue, Duration duration) {
    of(queue).incrementAndGet(DURATION + Histogram.range(duration));
  }

  void failure(Failure failure) {
    synchronized (failures) {
      if (failures.size() == FAILURES_MAX) {
        failures.removeFirst();
      }
      failures.addLast(failure);
    }
  }

  private AtomicLongArray of(String queue) {
    AtomicLongArray known = byQueue.get(queue);
    return known != null
        ? known
        : byQueue.computeIfAbsent(queue, _ -> new AtomicLongArray(DURATION + Histogram.RANGES));
  }

  /** What was counted since the last call, without queues of which nothing was. */
  Map<String, SeriesRecord> take() {
    Map<String, SeriesRecord> taken = new HashMap<>();
    byQueue.forEach((queue, numbers) -> {
      SeriesRecord record = take(numbers);
      if (!record.isEmpty()) {
        taken.put(queue, record);
      }
    });
    return taken;
  }

  private static SeriesRecord take(AtomicLongArray numbers) {
    SeriesRecord record = new SeriesRecord();
    for (Event event : Event.values()) {
      record.count(event, numbers.getAndSet(event.ordinal(), 0));
    }
    for (int range = 0; range < Histogram.RANGES; range++) {
      record.lag(range, numbers.getAndSet(LAG + range, 0));
      record.duration(range, numbers.getAndSet(DURATION + range, 0));
    }
    return record;
  }

  /** The failures since the last call, the oldest first. */
  List<Failure> takeFailures() {
    synchronized (failures) {
      List<Failure> taken = new ArrayList<>(failures);
      failures.clear();
      return taken;
    }
  }
}
