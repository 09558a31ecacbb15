package io.taskrunner.cli;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Shows the limits of hosts, and changes them. */
@Command(
    name = "hosts",
    description = "List, show, set and delete limits of target hosts.",
    subcommands = {
      HostsCommands.ListThem.class,
      HostsCommands.Show.class,
      HostsCommands.Put.class,
      HostsCommands.Delete.class
    })
final class HostsCommands extends Root.Group {

  private static final String ONE = "/admin/hosts/{}";

  @Command(
      name = "list",
      description = "List the hosts that have limits.",
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
                Out.Column.of("WAITING", "waiting")));
      }
      return 0;
    }
  }

  @Command(
      name = "show",
      description = "Show the limits of a host, and its running and waiting tasks.",
      footer = {"", "Example:", "  task-runner hosts show api.example.com"})
  static final class Show extends Simple.Shows {
    @Override
    Api.Reply call(Api api, String name) throws Failure {
      return api.get(Api.path(ONE, name));
    }
  }

  @Command(
      name = "set",
      description = "Limit the requests of all workers to a host; an omitted limit is removed.",
      footer = {
        "",
        "Examples:",
        "  task-runner hosts set api.example.com --max-concurrent 10",
        "  task-runner hosts set api.example.com:8443 --rate 5"
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

    @Override
    int run(Api api, Out out) throws Failure {
      Map<String, @Nullable Object> limits =
          members("max_concurrent", concurrent, "max_dispatches_per_sec", rate);
      Api.Reply reply = api.put(Api.path(ONE, host), limits);
      if (!out.raw(reply)) {
        Map<String, @Nullable Object> set = reply.object();
        out.say(
            Shown.text(set, "host")
                + "  "
                + (concurrent == null ? "unlimited" : concurrent)
                + " concurrent, "
                + (rate == null ? "unlimited" : Shown.text(set, "max_dispatches_per_sec"))
                + " per second");
      }
      return 0;
    }
  }

  @Command(
      name = "delete",
      description = "Delete the limits of a host.",
      footer = {"", "Example:", "  task-runner hosts delete api.example.com --yes"})
  static final class Delete extends Simple.Asks {
    @Override
    String question(String name) {
      return "This deletes all limits of the host " + name + ".";
    }

    @Override
    Api.Reply doIt(Api api, String name) throws Failure {
      return api.delete(Api.path(ONE, name));
    }

    @Override
    String done(Api.Reply reply) {
      return "limits deleted";
    }
  }
}
