package io.taskrunner.http.admin;

import com.linecorp.armeria.common.HttpMethod;
import io.taskrunner.client.Limits;
import io.taskrunner.http.call.Access;
import io.taskrunner.http.call.Answer;
import io.taskrunner.http.call.Audit;
import io.taskrunner.http.call.Call;
import io.taskrunner.http.call.Fields;
import io.taskrunner.http.call.JsonOut;
import io.taskrunner.http.call.Kind;
import io.taskrunner.http.call.Missing;
import io.taskrunner.http.call.Problem;
import io.taskrunner.http.call.Refusal;
import io.taskrunner.http.call.Route;
import io.taskrunner.http.call.Things;
import io.taskrunner.store.ChangedMeanwhile;
import io.taskrunner.store.ConfigStore;
import io.taskrunner.store.Expected;
import io.taskrunner.store.HostStore;
import io.taskrunner.store.QueueSettings;
import io.taskrunner.store.TargetHost;
import io.taskrunner.store.TargetHost.Load;
import io.taskrunner.task.TargetUrl;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Limits and breakers of the hosts that tasks are sent to, and the calls under {@code
 * /admin/hosts}.
 */
public final class Hosts implements Kind<Load, TargetHost> {

  static final String FORM =
      "the name or address of a host, with or without a port, such as api.example.com, in lower case";

  private static final String[] NAMES = {
    "max_concurrent",
    "max_dispatches_per_sec",
    "breaker_failure_threshold",
    "breaker_timeout_sec",
    "breaker_max_requests"
  };

  private final HostStore hosts;
  private final Things<Load, TargetHost> things;

  /** Over a store; logs changes. */
  public Hosts(HostStore hosts, Audit audit) {
    this.hosts = hosts;
    this.things = new Things<>(this, audit);
  }

  /** The routes. */
  public List<Route> routes() {
    return List.of(
        Route.of(HttpMethod.GET, "/admin/hosts", Access.ADMIN, this::list),
        Route.of(HttpMethod.GET, "/admin/hosts/{host}", Access.ADMIN, things::get),
        Route.of(
            HttpMethod.PUT, "/admin/hosts/{host}", Access.ADMIN, Route.Body.REQUIRED, things::put),
        Route.of(HttpMethod.DELETE, "/admin/hosts/{host}", Access.ADMIN, things::delete));
  }

  private Answer list(Call call) {
    List<Load> all = hosts.list();
    return Answer.ok(
        JsonOut.object(out ->
            out.array(
                "hosts",
                each -> {
                  for (Load load : all) {
                    each.item(one -> show(one, load));
                  }
                })));
  }

  @Override
  public ConfigStore.Kind stored() {
    return ConfigStore.Kind.HOST;
  }

  @Override
  public String key() {
    return "host";
  }

  @Override
  public Problem notFound(String name) {
    return Missing.host(name);
  }

  @Override
  public boolean isName(String name) {
    return named(name).equals(Optional.of(name));
  }

  @Override
  public String nameForm() {
    return FORM;
  }

  @Override
  public Optional<String> named(String given) {
    return TargetUrl.hostOf(given);
  }

  @Override
  public TargetHost read(String name, Fields fields) {
    int faults = fields.faults().count();
    fields.nullIsAbsent(NAMES);
    Integer maxConcurrent = fields.integer("max_concurrent", 1, Limits.MAX);
    Double rate = fields.positive("max_dispatches_per_sec", QueueSettings.RATE_MAX);
    Integer timeoutSeconds = fields.integer("breaker_timeout_sec", 1, 3600);
    TargetHost.Breaker breaker =
        new TargetHost.Breaker(
            fields.integer("breaker_failure_threshold", 0, Limits.MAX),
            timeoutSeconds == null ? null : Duration.ofSeconds(timeoutSeconds),
            fields.integer("breaker_max_requests", 1, 1000));
    boolean says =
        maxConcurrent != null || rate != null || !breaker.equals(TargetHost.Breaker.UNSET);
    if (!says && fields.faults().count() == faults) {
      fields.missing("max_concurrent", "at least one setting; DELETE removes all of them");
    }
    fields.done();
    return new TargetHost(name, maxConcurrent, rate, breaker, 0);
  }

  @Override
  public void write(JsonOut out, TargetHost host) throws IOException {
    out.number("max_concurrent", host.maxConcurrent());
    out.number("max_dispatches_per_sec", host.maxDispatchesPerSec());
    TargetHost.Breaker breaker = host.breaker();
    out.number("breaker_failure_threshold", breaker.failureThreshold());
    out.number(
        "breaker_timeout_sec",
        breaker.timeout() == null ? null : Math.toIntExact(breaker.timeout().toSeconds()));
    out.number("breaker_max_requests", breaker.maxRequests());
  }

  @Override
  public void show(JsonOut out, Load load) throws IOException {
    writeTag(out, load);
    out.number("running", load.running());
    out.number("waiting", load.waiting());
  }

  @Override
  public State<TargetHost> state(Load load) {
    return new State<>(load.host().name(), load.host(), load.host().revision());
  }

  @Override
  public Optional<Load> find(String given) {
    return named(given).flatMap(hosts::get);
  }

  @Override
  public Page<Load> page(int most, @Nullable String cursor) {
    return page(hosts.list(), most, cursor);
  }

  @Override
  public Put put(String name, TargetHost host, Expected expected) throws ChangedMeanwhile {
    hosts.put(host, expected);
    return Put.SET;
  }

  @Override
  public Optional<Problem> delete(String name, Expected expected) throws ChangedMeanwhile {
    return hosts.delete(name, expected) ? Optional.empty() : Optional.of(notFound(name));
  }

  @Override
  public void check(String name, TargetHost host) {
    if (hosts.get(name).isEmpty() && hosts.list().size() >= TargetHost.MOST) {
      throw new Refusal(Problem.tooManyHosts(TargetHost.MOST));
    }
  }

  @Override
  public void check(String name, TargetHost host, Map<String, Set<String>> names, Fields entry) {
    Set<String> all = names.getOrDefault(section(), Set.of());
    if (all.size() > TargetHost.MOST
        && all.stream().filter(other -> other.compareTo(name) < 0).count() >= TargetHost.MOST) {
      entry.wrongName("at most " + TargetHost.MOST + " hosts with settings");
    }
  }
}
