package io.taskrunner.http.operate;

import com.linecorp.armeria.common.HttpMethod;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.taskrunner.http.call.Access;
import io.taskrunner.http.call.Answer;
import io.taskrunner.http.call.Route;
import java.util.List;

/** {@code /metrics}. */
public final class Metrics {

  private static final String TYPE = "text/plain; version=0.0.4; charset=utf-8";

  private final PrometheusMeterRegistry registry;
  private final Runnable before;

  /**
   * Of a registry.
   *
   * @param before updates the gauges
   */
  public Metrics(PrometheusMeterRegistry registry, Runnable before) {
    this.registry = registry;
    this.before = before;
  }

  /** The routes. */
  public List<Route> routes() {
    return List.of(Route.of(HttpMethod.GET, "/metrics", Access.METRICS, _ -> scrape()));
  }

  private Answer scrape() {
    before.run();
    return Answer.text(TYPE, registry.scrape());
  }
}
