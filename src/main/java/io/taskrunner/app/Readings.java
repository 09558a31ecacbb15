package io.taskrunner.app;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.taskrunner.store.redis.RedisStore;
import io.taskrunner.telemetry.Meters;

/** Meters that no package counts itself: read from the JVM and the store on each scrape. */
final class Readings implements AutoCloseable {

  private final JvmGcMetrics collector = new JvmGcMetrics();

  Readings(MeterRegistry registry, RedisStore store) {
    new JvmMemoryMetrics().bindTo(registry);
    new JvmThreadMetrics().bindTo(registry);
    new ProcessorMetrics().bindTo(registry);
    new UptimeMetrics().bindTo(registry);
    collector.bindTo(registry);
    Gauge.builder(Meters.STORE_USED_RATIO, store, RedisStore::usedRatio).register(registry);
    FunctionCounter.builder(Meters.STORE_FULL_REFUSALS, store, RedisStore::fullRefusals)
        .register(registry);
    FunctionCounter.builder(Meters.TASKS_TRIMMED, store, RedisStore::trimmedDone)
        .tag("set", "done")
        .register(registry);
    FunctionCounter.builder(Meters.TASKS_TRIMMED, store, RedisStore::trimmedDead)
        .tag("set", "dead")
        .register(registry);
  }

  @Override
  public void close() {
    collector.close();
  }
}
