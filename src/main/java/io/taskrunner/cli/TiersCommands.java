package io.taskrunner.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Shows tiers, and changes them. */
@Command(
    name = "tiers",
    description = "List, show, create, update and delete tiers, the limits that clients share.",
    subcommands = {
      TiersCommands.ListThem.class,
      TiersCommands.Show.class,
      TiersCommands.Put.class,
      TiersCommands.Delete.class
    })
final class TiersCommands extends Root.Group {

  private static final String ONE = "/admin/tiers/{}";

  @Command(
      name = "list",
      description = "List tiers.",
      footer = {"", "Example:", "  task-runner tiers list"})
  static final class ListThem extends Verb {
    @Override
    int run(Api api, Out out) throws Failure {
      Api.Reply reply = api.get("/admin/tiers");
      if (!out.raw(reply)) {
        out.table(
            rows(Shown.object(reply.object().get("tiers"))),
            List.of(
                Out.Column.of("TIER", "name"),
                Out.Column.of("CONCURRENT", "max_concurrent"),
                Out.Column.of("PER MINUTE", "requests_per_min")));
      }
      return 0;
    }
  }

  /** Each tier with its name, which is its key in the response. */
  private static List<Map<String, @Nullable Object>> rows(Map<String, @Nullable Object> tiers) {
    List<Map<String, @Nullable Object>> rows = new ArrayList<>();
    tiers.forEach((name, limits) -> {
      Map<String, @Nullable Object> row = Verb.members("name", name);
      row.putAll(Shown.object(limits));
      rows.add(row);
    });
    return rows;
  }

  @Command(
      name = "show",
      description = "Show a tier.",
      footer = {"", "Example:", "  task-runner tiers show premium"})
  static final class Show extends Simple.Shows {
    @Override
    Api.Reply call(Api api, String name) throws Failure {
      return api.get(Api.path(ONE, name));
    }
  }

  @Command(
      name = "set",
      description = "Create a tier, or update the given settings of one.",
      footer = {
        "",
        "Example:",
        "  task-runner tiers set gold --per-minute 500 --max-concurrent 10"
      })
  static final class Put extends Verb {
    @Parameters(paramLabel = "NAME", description = "Name of the tier.")
    private String name = "";

    @Option(
        names = "--max-concurrent",
        paramLabel = "N",
        description = "Maximum number of concurrent attempts of each client.")
    private @Nullable Integer concurrent;

    @Option(
        names = "--per-minute",
        paramLabel = "N",
        description = "Maximum number of tasks per minute of each client.")
    private @Nullable Integer perMinute;

    @Override
    int run(Api api, Out out) throws Failure {
      Map<String, @Nullable Object> limits = members();
      Api.Reply before = api.send("GET", Api.path(ONE, name), null);
      if (before.status() == 200) {
        limits.putAll(before.object());
        limits.remove("name");
      }
      limits.putAll(members("max_concurrent", concurrent, "requests_per_min", perMinute));
      Api.Reply reply = api.put(Api.path(ONE, name), limits);
      if (!out.raw(reply)) {
        out.say(
            name
                + "  "
                + Shown.text(reply.object(), "requests_per_min")
                + " per minute, "
                + Shown.text(reply.object(), "max_concurrent")
                + " concurrent");
      }
      return 0;
    }
  }

  @Command(
      name = "delete",
      description = "Delete a tier that no client uses.",
      footer = {"", "Example:", "  task-runner tiers delete gold --yes"})
  static final class Delete extends Simple.Asks {
    @Override
    String question(Api api, String name) {
      return "This deletes the tier " + name + ".";
    }

    @Override
    Api.Reply doIt(Api api, String name) throws Failure {
      return api.delete(Api.path(ONE, name));
    }

    @Override
    String done(Api.Reply reply) {
      return "deleted";
    }
  }
}
