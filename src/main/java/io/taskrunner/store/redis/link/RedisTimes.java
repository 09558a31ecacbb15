package io.taskrunner.store.redis.link;

import io.lettuce.core.metrics.CommandLatencyRecorder;
import io.lettuce.core.protocol.ProtocolKeyword;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.taskrunner.telemetry.Meters;
import java.net.SocketAddress;
import java.util.concurrent.TimeUnit;

/** Measures each command, from sending it to receiving the complete reply. */
final class RedisTimes implements CommandLatencyRecorder {

  private final Timer timer;

  RedisTimes(MeterRegistry registry) {
    timer = Meters.timer(registry, Meters.REDIS_COMMAND);
  }

  @Override
  public void recordCommandLatency(
      SocketAddress local,
      SocketAddress remote,
      ProtocolKeyword command,
      long firstResponseNanos,
      long completionNanos) {
    timer.record(completionNanos, TimeUnit.NANOSECONDS);
  }
}
