package io.taskrunner.config;

import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The OpenTelemetry collector.
 *
 * @param endpoint of the collector; empty disables tracing
 * @param variables all {@code OTEL_*} variables, for OpenTelemetry's own reader; the endpoints
 *     among them have a scheme
 */
public record TracingSettings(Optional<URI> endpoint, Map<String, String> variables) {

  private static final String ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT";
  private static final String TRACES_ENDPOINT = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
  private static final String ALLOWED = "an http or https URL; host:port means http";
  private static final Pattern FORM = Pattern.compile("\\S{1,2048}");

  public TracingSettings {
    variables = Map.copyOf(variables);
  }

  static TracingSettings read(Env env) {
    env.section("Tracing");
    Optional<URI> general =
        endpoint(
            env,
            ENDPOINT,
            "URL of the OpenTelemetry collector, to which /v1/traces is appended; this or the next one"
                + " enables tracing");
    Optional<URI> ofTraces =
        endpoint(
            env,
            TRACES_ENDPOINT,
            "complete URL for traces; takes precedence over the previous one");
    Map<String, String> variables =
        env.startingWith("OTEL_", "see OpenTelemetry", "passed to OpenTelemetry unchanged");
    general.ifPresent(url -> variables.put(ENDPOINT, url.toString()));
    ofTraces.ifPresent(url -> variables.put(TRACES_ENDPOINT, url.toString()));
    return new TracingSettings(ofTraces.or(() -> general), variables);
  }

  private static Optional<URI> endpoint(Env env, String name, String meaning) {
    return env.text(name, null, FORM, ALLOWED, meaning)
        .flatMap(text -> {
          Optional<URI> url =
              Env.parseUrl(
                  text.contains("://") ? text : "http://" + text, List.of("http", "https"));
          if (url.isEmpty()) {
            env.fault(name, "expected: " + ALLOWED);
          }
          return url;
        });
  }
}
