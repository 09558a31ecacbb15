package io.taskrunner.cli;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Shows the limits and circuit breakers of hosts, and changes them. */
@Command(
    name = "hosts",
    description =
        "List, show, set and delete settings of target hosts, and close circuit breakers.",
    subcommands = {
      HostsCommands.ListThem.class,
      HostsCommands.Show.class,
      HostsCommands.Put.class,
      HostsCommands.Close.class,
      HostsCommands.Delete.class
    })
final class HostsCommands extends Root.Group {

  private static final String ONE = "/admin/hosts/{}";
  private static final int PAGE = 1000;

  /** The breakers that are not closed, of a host or of all; at most {@code most}. */
  static List<Map<String, @Nullable Object>> breakers(Api api, @Nullable String host, int most)
      throws Failure {
    Map<String, @Nullable Object> query = Verb.members("host", host, "limit", most);
    return Shown.list(api.get(Api.query("/admin/breakers", query)).object(), "breakers");
  }

  /** The state of a breaker, such as {@code open, next probe in 12 s}. */
  static String state(Map<String, @Nullable Object> breaker, Out out) {
    if ("open".equals(breaker.get("state"))) {
      return "open, next probe " + Shown.ago(breaker, "next_probe_time", out.now());
    }
    Object running = breaker.get("probes_running");
    return "half open" + (running == null ? "" : ", " + running + " probes run");
  }

  static List<Out.Column> breakerColumns(Out out) {
    return List.of(
        Out.Column.of("OPEN HOST", "host"),
        new Out.Column("BREAKER", row -> state(row, out)),
        new Out.Column("OPENED", row -> Shown.ago(row, "opened_time", out.now())),
        Out.Column.of("WAITING", "waiting"));
  }

  @Command(
      name = "list",
      description = "List the hosts that have settings, and those whose circuit breaker is open.",
      footer = {"", "Example:", "  task-runner hosts list"})
  static final class ListThem extends Verb {
    @Override
    int run(Api api, Out out) throws Failure {
      Api.Reply reply = api.get("/admin/hosts");
      if (!out.raw(reply)) {
        out.table(
            Shown.list(reply.object(), "hosts"),
            List.of(
                Out.Column.of("HOST", "host"),
                Out.Column.of("CONCURRENT", "max_concurrent"),
                Out.Column.of("PER SECOND", "max_dispatches_per_sec"),
                Out.Column.of("RUNNING", "running"),
                Out.Column.of("WAITING", "waiting"),
                Out.Column.of("BREAKER AT", "breaker_failure_threshold")));
        List<Map<String, @Nullable Object>> open = breakers(api, null, PAGE);
        if (!open.isEmpty()) {
          out.say("");
          out.table(open, breakerColumns(out));
        }
      }
      return 0;
    }
  }

  @Command(
      name = "show",
      description =
          "Show the settings of a host, its running and waiting tasks, and its open circuit breakers.",
      footer = {"", "Example:", "  task-runner hosts show api.example.com"})
  static final class Show extends Verb {
    @Parameters(
        paramLabel = "HOST",
        description = "Host name or IP address; with a port, only for that port.")
    private String host = "";

    @Override
    int run(Api api, Out out) throws Failure {
      List<Map<String, @Nullable Object>> open = breakers(api, host, PAGE);
      try {
        Api.Reply reply = api.get(Api.path(ONE, host));
        if (out.raw(reply)) {
          return 0;
        }
        out.whole(reply.object());
      } catch (Failure failure) {
        if (open.isEmpty()) {
          throw failure;
        }
      }
      if (!open.isEmpty()) {
        out.table(open, breakerColumns(out));
      }
      return 0;
    }
  }

  @Command(
      name = "close",
      description = "Close a host's circuit breaker: tasks that wait for it may start at once.",
      footer = {"", "Example:", "  task-runner hosts close api.example.com"})
  static final class Close extends Simple {
    @Override
    Api.Reply call(Api api, String name) throws Failure {
      return api.delete(Api.path("/admin/breakers/{}", name));
    }

    @Override
    String done(Api.Reply reply) {
      return "its circuit breaker is closed";
    }
  }

  @Command(
      name = "set",
      description =
          "Limit the requests of all workers to a host, and configure its circuit breaker;"
              + " other settings are kept.",
      footer = {
        "",
        "Examples:",
        "  task-runner hosts set api.example.com --max-concurrent 10",
        "  task-runner hosts set api.example.com:8443 --rate 5",
        "  task-runner hosts set flaky.example.com --breaker-threshold 20 --breaker-timeout 10"
      })
  static final class Put extends Verb {
    @Parameters(
        paramLabel = "HOST",
        description = "Host name or IP address; with a port, only for that port.")
    private String host = "";

    @Option(
        names = "--max-concurrent",
        paramLabel = "N",
        description = "Maximum number of concurrent attempts.")
    private @Nullable Integer concurrent;

    @Option(
        names = "--rate",
        paramLabel = "N",
        description = "Maximum number of attempts started per second.")
    private @Nullable Double rate;

    @Option(
        names = "--breaker-threshold",
        paramLabel = "N",
        description = "Failures in a row that open its circuit breaker; 0 means never.")
    private @Nullable Integer threshold;

    @Option(
        names = "--breaker-timeout",
        paramLabel = "TIME",
        converter = Spans.Converter.class,
        description = "Maximum time between probes.")
    private Spans.@Nullable Seconds timeout;

    @Option(names = "--replace", description = "Remove all settings that are not given.")
    private boolean replace;

    @Option(
        names = "--breaker-max-requests",
        paramLabel = "N",
        description = "Initial number of concurrent probes.")
    private @Nullable Integer probes;

    @Override
    int run(Api api, Out out) throws Failure {
      Map<String, @Nullable Object> limits = members();
      Api.Reply before = api.send("GET", Api.path(ONE, host), null);
      if (before.status() == 200 && !replace) {
        limits.putAll(before.object());
        limits.keySet().removeAll(List.of("host", "running", "waiting"));
        limits.values().removeIf(Objects::isNull);
      }
      limits.putAll(
          members(
              "max_concurrent",
              concurrent,
              "max_dispatches_per_sec",
              rate,
              "breaker_failure_threshold",
              threshold,
              "breaker_timeout_sec",
              Spans.of(timeout),
              "breaker_max_requests",
              probes));
      if (limits.isEmpty()) {
        throw new Failure(
            Failure.MISUSED, "Nothing to set (expected: at least one of the options, see --help)");
      }
      Api.Reply reply = api.put(Api.path(ONE, host), limits);
      if (!out.raw(reply)) {
        Map<String, @Nullable Object> set = reply.object();
        Object breaker = set.get("breaker_failure_threshold");
        out.say(
            Shown.text(set, "host")
                + "  "
                + limit(set, "max_concurrent")
                + " concurrent, "
                + limit(set, "max_dispatches_per_sec")
                + " per second"
                + (breaker == null ? "" : ", breaker opens after " + breaker + " failures"));
      }
      return 0;
    }
  }

  private static String limit(Map<String, @Nullable Object> of, String name) {
    return of.get(name) == null ? "unlimited" : Shown.text(of, name);
  }

  @Command(
      name = "delete",
      description = "Delete the settings of a host.",
      footer = {"", "Example:", "  task-runner hosts delete api.example.com --yes"})
  static final class Delete extends Simple.Asks {
    @Override
    String question(Api api, String name) {
      return "This deletes all settings of the host " + name + ".";
    }

    @Override
    Api.Reply doIt(Api api, String name) throws Failure {
      return api.delete(Api.path(ONE, name));
    }

    @Override
    String done(Api.Reply reply) {
      return "settings deleted";
    }
  }
}
