package io.taskrunner.app;

import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import io.taskrunner.config.TracingSettings;
import io.taskrunner.telemetry.Build;
import io.taskrunner.telemetry.Tracing;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Sends spans to a collector, as the {@code OTEL_*} variables set. An unavailable collector costs
 * nothing except spans: they wait in a queue of bounded length, and are dropped when it is full.
 */
final class Traces implements AutoCloseable {

  private static final long FLUSH_SEC = 5;

  private final OpenTelemetrySdk sdk;

  private Traces(OpenTelemetrySdk sdk) {
    this.sdk = sdk;
  }

  /** Begins, if there is a collector. */
  static Optional<Traces> begin(TracingSettings settings, Build build) {
    if (settings.endpoint().isEmpty()) {
      return Optional.empty();
    }
    Map<String, String> properties = new HashMap<>();
    properties.put("otel.service.name", "task-runner");
    properties.put("otel.exporter.otlp.protocol", "http/protobuf");
    properties.put("otel.resource.attributes", "service.version=" + build.version());
    settings
        .variables()
        .forEach((name, value) ->
            properties.put(name.toLowerCase(Locale.ROOT).replace('_', '.'), value));
    // The metrics are for Prometheus, and the log is on standard output.
    properties.put("otel.metrics.exporter", "none");
    properties.put("otel.logs.exporter", "none");
    return Optional.of(
        new Traces(
            AutoConfiguredOpenTelemetrySdk.builder()
                .addPropertiesCustomizer(_ -> properties)
                .disableShutdownHook()
                .build()
                .getOpenTelemetrySdk()));
  }

  Tracing tracing() {
    return new Tracing(sdk);
  }

  /** Sends the pending spans. */
  @Override
  public void close() {
    sdk.shutdown().join(FLUSH_SEC, TimeUnit.SECONDS);
  }
}
