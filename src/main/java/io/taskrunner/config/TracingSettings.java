package io.taskrunner.config;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Where spans go.
 *
 * @param endpoint the collector; tracing is on when there is one
 * @param variables every {@code OTEL_*} variable as it was given, for OpenTelemetry's own reader;
 *     the endpoint among them has its scheme
 */
public record TracingSettings(Optional<URI> endpoint, Map<String, String> variables) {

  private static final String ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT";
  private static final Pattern FORM =
      Pattern.compile(
          "(?i)(?:https?://)?(?:\\[[0-9a-f:.]+]|[a-z0-9._-]+)(?::[0-9]{1,5})?(?:/\\S*)?");

  public TracingSettings {
    variables = Map.copyOf(variables);
  }

  static TracingSettings read(Env env) {
    env.section("Traces");
    Optional<URI> endpoint =
        env.text(
                ENDPOINT,
                null,
                FORM,
                "an http or https URL; host:port is taken as http",
                "the OpenTelemetry collector that spans go to; tracing is on when set")
            .flatMap(text -> withScheme(env, text));
    Map<String, String> variables =
        env.startingWith(
            "OTEL_", "as OpenTelemetry says", "are handed to OpenTelemetry as they are");
    endpoint.ifPresent(url -> variables.put(ENDPOINT, url.toString()));
    return new TracingSettings(endpoint, variables);
  }

  private static Optional<URI> withScheme(Env env, String text) {
    try {
      URI url = new URI(text.contains("://") ? text : "http://" + text).parseServerAuthority();
      if (url.getHost() != null && url.getPort() != 0 && url.getPort() <= 65_535) {
        return Optional.of(url);
      }
    } catch (URISyntaxException notUrl) {
      // Told below, together with an impossible port.
    }
    env.fault(
        ENDPOINT,
        text.indexOf('_') >= 0
            ? "expected: a host without an underscore, since OpenTelemetry's exporter reaches no other"
            : "expected: an http or https URL; host:port is taken as http");
    return Optional.empty();
  }
}
