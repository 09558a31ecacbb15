package io.taskrunner.http.admin;

import com.linecorp.armeria.common.HttpMethod;
import io.taskrunner.client.Limits;
import io.taskrunner.http.call.Access;
import io.taskrunner.http.call.Answer;
import io.taskrunner.http.call.Audit;
import io.taskrunner.http.call.Call;
import io.taskrunner.http.call.Changes;
import io.taskrunner.http.call.ConfigKind;
import io.taskrunner.http.call.Fault;
import io.taskrunner.http.call.Faults;
import io.taskrunner.http.call.Fields;
import io.taskrunner.http.call.JsonOut;
import io.taskrunner.http.call.Precondition;
import io.taskrunner.http.call.Problem;
import io.taskrunner.http.call.Refusal;
import io.taskrunner.http.call.Route;
import io.taskrunner.store.ChangedMeanwhile;
import io.taskrunner.store.ConfigStore;
import io.taskrunner.store.ConfigStore.Thing;
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
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The calls under {@code /admin/hosts}: limits and breakers of the hosts that tasks are sent to.
 */
public final class Hosts {

  private static final String SECTION = "hosts";

  static final String FORM =
      "the name or address of a host, with or without a port, such as api.example.com";

  private static final String[] NAMES = {
    "max_concurrent",
    "max_dispatches_per_sec",
    "breaker_failure_threshold",
    "breaker_timeout_sec",
    "breaker_max_requests"
  };

  private final HostStore hosts;
  private final Audit audit;

  /** Over a store; changes are told to the log. */
  public Hosts(HostStore hosts, Audit audit) {
    this.hosts = hosts;
    this.audit = audit;
  }

  /** The routes. */
  public List<Route> routes() {
    return List.of(
        Route.of(HttpMethod.GET, "/admin/hosts", Access.ADMIN, this::list),
        Route.of(HttpMethod.GET, "/admin/hosts/{host}", Access.ADMIN, this::get),
        Route.of(
            HttpMethod.PUT, "/admin/hosts/{host}", Access.ADMIN, Route.Body.REQUIRED, this::put),
        Route.of(HttpMethod.DELETE, "/admin/hosts/{host}", Access.ADMIN, this::delete));
  }

  /** Hosts with limits in the document of the whole configuration. */
  public ConfigKind kind() {
    return new HostKind();
  }

  private final class HostKind implements ConfigKind {
    @Override
    public String section() {
      return SECTION;
    }

    @Override
    public Page items(int most, @Nullable String cursor) {
      SortedMap<String, Item> items = new TreeMap<>();
      for (Load load : hosts.list()) {
        TargetHost host = load.host();
        items.put(host.name(), new Item(out -> settings(out, host), host.revision(), true));
      }
      return Page.of(items, most, cursor);
    }

    @Override
    public @Nullable Wanted read(String name, Fields entry) {
      int faults = entry.faults().list().size();
      if (!TargetUrl.hostOf(name).equals(Optional.of(name))) {
        entry.wrongName(FORM + ", in lower case");
      }
      TargetHost host = Hosts.read(name, entry);
      entry.done();
      if (entry.faults().list().size() > faults) {
        return null;
      }
      return new Wanted() {
        @Override
        public JsonOut.Members settings() {
          return out -> Hosts.settings(out, host);
        }

        @Override
        public void check(Map<String, Set<String>> names, Fields of) {
          Set<String> all = names.getOrDefault(SECTION, Set.of());
          if (all.size() > TargetHost.MOST
              && all.stream().filter(other -> other.compareTo(name) < 0).count()
                  >= TargetHost.MOST) {
            of.wrongName("one of at most " + TargetHost.MOST + " hosts");
          }
        }

        @Override
        public void apply(Expected expected) throws ChangedMeanwhile {
          hosts.put(host, expected);
        }
      };
    }

    @Override
    public Thing thing(String name) {
      return new Thing(ConfigStore.Kind.HOST, name);
    }

    @Override
    public boolean isBuiltIn(String name) {
      return false;
    }

    @Override
    public boolean delete(String name, Expected expected) throws ChangedMeanwhile {
      hosts.delete(name, expected);
      return true;
    }
  }

  private Answer list(Call call) {
    List<Load> all = hosts.list();
    return Answer.ok(
        JsonOut.object(out ->
            out.array(
                "hosts",
                each -> {
                  for (Load load : all) {
                    each.item(one -> write(one, load));
                  }
                })));
  }

  private Answer get(Call call) {
    return answer(find(call.param(0)));
  }

  private Load find(String name) {
    return TargetUrl.hostOf(name).flatMap(hosts::get).orElseThrow(Hosts::notFound);
  }

  private static Refusal notFound() {
    return new Refusal(Problem.hostNotFound());
  }

  private static Answer answer(Load load) {
    return Answer.ok(JsonOut.object(out -> write(out, load))).tagged(current(load.host()));
  }

  /** As {@code ETag} and {@code If-Match} see it: its limits. */
  private static Precondition.Current current(TargetHost host) {
    return Precondition.Current.of(
        host.revision(),
        JsonOut.object(out -> {
          out.text("host", host.name());
          limits(out, host);
        }));
  }

  private Answer put(Call call) {
    Faults faults = new Faults();
    Optional<String> name = TargetUrl.hostOf(call.param(0));
    if (name.isEmpty()) {
      faults.add(
          Fault.parameter(
              "host", "host: " + Fields.shown(call.param(0)) + " (expected: " + FORM + ")"));
    }
    Fields fields = call.fields(faults);
    TargetHost host = read(name.orElse(""), fields);
    fields.done();
    Precondition precondition = Precondition.of(call.headers(), faults);
    faults.raise();
    if (hosts.get(host.name()).isEmpty() && hosts.list().size() >= TargetHost.MOST) {
      throw new Refusal(Problem.tooManyHosts(TargetHost.MOST));
    }
    Optional<Changes.Version> before = hosts.get(host.name()).map(load -> version(load.host()));
    precondition.<Boolean>change(
        () -> hosts.get(host.name()).map(load -> current(load.host())),
        expected -> {
          hosts.put(host, expected);
          return true;
        });
    audit.tell(call, "host set", "host", host.name(), Changes.between(before, version(host)));
    return answer(find(host.name()));
  }

  private static Changes.Version version(TargetHost host) {
    return Changes.Version.of(out -> settings(out, host));
  }

  private static TargetHost read(String name, Fields fields) {
    int faults = fields.faults().list().size();
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
    if (!says && fields.faults().list().size() == faults) {
      fields.missing("max_concurrent", "one setting at least; DELETE takes all away");
    }
    return new TargetHost(name, maxConcurrent, rate, breaker, 0);
  }

  private Answer delete(Call call) {
    Faults faults = new Faults();
    Precondition precondition = Precondition.of(call.headers(), faults);
    faults.raise();
    String name = find(call.param(0)).host().name();
    boolean had =
        precondition.change(
            () -> hosts.get(name).map(load -> current(load.host())),
            expected -> hosts.delete(name, expected));
    if (!had) {
      throw notFound();
    }
    audit.tell(call, "host deleted", "host", name);
    return Answer.noContent();
  }

  private static void write(JsonOut out, Load load) throws IOException {
    out.text("host", load.host().name());
    limits(out, load.host());
    out.number("running", load.running());
    out.number("waiting", load.waiting());
  }

  /** What is set, alone. */
  private static void settings(JsonOut out, TargetHost host) throws IOException {
    if (host.maxConcurrent() != null) {
      out.number("max_concurrent", host.maxConcurrent());
    }
    if (host.maxDispatchesPerSec() != null) {
      out.number("max_dispatches_per_sec", host.maxDispatchesPerSec());
    }
    TargetHost.Breaker breaker = host.breaker();
    if (breaker.failureThreshold() != null) {
      out.number("breaker_failure_threshold", breaker.failureThreshold());
    }
    if (breaker.timeout() != null) {
      out.number("breaker_timeout_sec", breaker.timeout().toSeconds());
    }
    if (breaker.maxRequests() != null) {
      out.number("breaker_max_requests", breaker.maxRequests());
    }
  }

  private static void limits(JsonOut out, TargetHost host) throws IOException {
    out.number("max_concurrent", host.maxConcurrent());
    out.number("max_dispatches_per_sec", host.maxDispatchesPerSec());
    TargetHost.Breaker breaker = host.breaker();
    out.number("breaker_failure_threshold", breaker.failureThreshold());
    out.number(
        "breaker_timeout_sec",
        breaker.timeout() == null ? null : (Integer) (int) breaker.timeout().toSeconds());
    out.number("breaker_max_requests", breaker.maxRequests());
  }
}
