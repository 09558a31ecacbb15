package io.taskrunner.config;

import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Where spans go.
 *
 * @param endpoint the collector; tracing is on when there is one
 * @param variables every {@code OTEL_*} variable as it was given, for OpenTelemetry's own reader;
 *     the endpoints among them have their scheme
 */
public record TracingSettings(Optional<URI> endpoint, Map<String, String> variables) {

  private static final String ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT";
  private static final String TRACES_ENDPOINT = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
  private static final String ALLOWED = "an http or https URL; host:port is taken as http";
  private static final Pattern FORM = Pattern.compile("\\S{1,2048}");

  public TracingSettings {
    variables = Map.copyOf(variables);
  }

  static TracingSettings read(Env env) {
    env.section("Traces");
    Optional<URI> general =
        endpoint(
            env,
            ENDPOINT,
            "the OpenTelemetry collector that spans go to, under /v1/traces; tracing is on when this"
                + " or the next one is set");
    Optional<URI> ofTraces =
        endpoint(
            env, TRACES_ENDPOINT, "where spans go, taken as it is; comes before the general one");
    Map<String, String> variables =
        env.startingWith(
            "OTEL_", "as OpenTelemetry says", "are handed to OpenTelemetry as they are");
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
