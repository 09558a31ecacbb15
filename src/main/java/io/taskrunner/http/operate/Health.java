package io.taskrunner.http.operate;

import com.linecorp.armeria.common.HttpMethod;
import io.taskrunner.config.ServerSettings.Mode;
import io.taskrunner.http.call.Access;
import io.taskrunner.http.call.Answer;
import io.taskrunner.http.call.Call;
import io.taskrunner.http.call.Credentials;
import io.taskrunner.http.call.JsonOut;
import io.taskrunner.http.call.Problem;
import io.taskrunner.http.call.Refusal;
import io.taskrunner.http.call.Route;
import io.taskrunner.store.SystemStore;
import io.taskrunner.telemetry.Build;
import io.taskrunner.telemetry.Probe;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Health and version. */
public final class Health {

  private final Mode mode;
  private final Build build;
  private final StoreProbe store;
  private final List<Probe> probes;
  private final Credentials credentials;
  private final List<String> warnings;
  private volatile boolean draining;

  /**
   * Of this process.
   *
   * @param probes health checks in addition to the store
   * @param warnings sentences on the setup of the process
   */
  public Health(
      Mode mode,
      Build build,
      StoreProbe store,
      List<Probe> probes,
      Credentials credentials,
      List<String> warnings) {
    this.mode = mode;
    this.build = build;
    this.store = store;
    this.probes = List.copyOf(probes);
    this.credentials = credentials;
    this.warnings = List.copyOf(warnings);
  }

  /** The routes. */
  public List<Route> routes() {
    return List.of(
        Route.of(HttpMethod.GET, "/health", Access.ANYONE, _ -> ready()),
        Route.of(HttpMethod.GET, "/health/live", Access.ANYONE, _ -> status("alive")),
        Route.of(HttpMethod.GET, "/health/ready", Access.ANYONE, _ -> ready()),
        Route.of(HttpMethod.GET, "/health/detailed", Access.DETAIL, this::detailed),
        Route.of(HttpMethod.GET, "/version", Access.ANYONE, _ -> version()));
  }

  /** From now on this process is not ready, though it still answers. */
  public void drain() {
    draining = true;
  }

  /** Whether calls can be served. May block. */
  public boolean isReady() {
    return faults().isEmpty();
  }

  private Answer ready() {
    List<String> faults = faults();
    if (!faults.isEmpty()) {
      throw new Refusal(Problem.notReady(String.join(" ", faults)));
    }
    return status("ready");
  }

  private List<String> faults() {
    if (draining) {
      return List.of("The server is stopping.");
    }
    List<String> faults = new ArrayList<>();
    if (!store.healthy()) {
      faults.add("Redis is not reachable.");
    }
    for (Probe probe : probes) {
      if (!probe.healthy()) {
        faults.add("Unhealthy: " + probe.name() + ".");
      }
    }
    return faults;
  }

  private static Answer status(String status) {
    return Answer.ok(JsonOut.object(out -> out.text("status", status)));
  }

  private Answer version() {
    return Answer.ok(JsonOut.object(this::build));
  }

  private void build(JsonOut out) throws IOException {
    out.text("version", build.version());
    out.text("commit", build.commit());
    out.text("build_time", build.buildTime());
  }

  private Answer detailed(Call call) {
    boolean ready = faults().isEmpty();
    if (!credentials.seesMetrics(call.caller())) {
      return status(ready ? "ready" : "not_ready");
    }
    Optional<SystemStore.Health> redis = store.health();
    return Answer.ok(
        JsonOut.object(out -> {
          out.text("status", ready ? "ready" : "not_ready");
          out.text("mode", mode.name().toLowerCase(Locale.ROOT));
          build(out);
          out.object(
              "redis",
              to -> {
                to.text("role", redis.map(SystemStore.Health::role).orElse(null));
                to.text("topology", redis.map(SystemStore.Health::topology).orElse(null));
                to.number(
                    "latency_ms",
                    redis.map(health -> health.latency().toNanos() / 1e6).orElse(null));
              });
          for (Probe probe : probes) {
            out.object(
                probe.name(),
                to -> {
                  to.flag("healthy", probe.healthy());
                  to.text("detail", probe.detail());
                });
          }
          out.array(
              "warnings",
              items -> {
                for (String warning : warnings) {
                  items.item(warning);
                }
                for (String warning : redis.map(SystemStore.Health::warnings).orElse(List.of())) {
                  items.item(warning);
                }
              });
        }));
  }
}
