package io.taskrunner.cli;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Shows queues, and changes them. */
@Command(
    name = "queues",
    description = "List, show, create, update, pause, resume, purge and delete queues.",
    subcommands = {
      QueuesCommands.ListThem.class,
      QueuesCommands.Show.class,
      QueuesCommands.Put.class,
      QueuesCommands.Pause.class,
      QueuesCommands.Resume.class,
      QueuesCommands.Purge.class,
      QueuesCommands.Delete.class
    })
final class QueuesCommands extends Root.Group {

  private static final String ONE = "/v1/queues/{}";

  static final List<Out.Column> COLUMNS =
      List.of(
          Out.Column.of("QUEUE", "name"),
          Out.Column.of("PAUSED", "paused"),
          Out.Column.of("WEIGHT", "weight"),
          Out.Column.of("SCHEDULED", "stats.scheduled"),
          Out.Column.of("READY", "stats.ready"),
          Out.Column.of("ACTIVE", "stats.active"),
          Out.Column.of("RETRY", "stats.retry"),
          Out.Column.of("DEAD", "stats.dead"),
          Out.Column.of("SUCCEEDED", "stats.succeeded"),
          Out.Column.of("OLDEST READY S", "stats.oldest_ready_age_sec"));

  @Command(
      name = "list",
      description = "List queues and the number of their tasks.",
      footer = {"", "Example:", "  task-runner queues list"})
  static final class ListThem extends Verb {
    @Override
    int run(Api api, Out out) throws Failure {
      Api.Reply reply = api.get("/v1/queues");
      if (!out.raw(reply)) {
        out.table(Shown.list(reply.object(), "queues"), COLUMNS);
      }
      return 0;
    }
  }

  @Command(
      name = "show",
      description = "Show everything about a queue.",
      footer = {"", "Example:", "  task-runner queues show critical"})
  static final class Show extends Simple.Shows {
    @Override
    Api.Reply call(Api api, String name) throws Failure {
      return api.get(Api.path(ONE, name));
    }
  }

  @Command(
      name = "set",
      description = "Create a queue, or update the given settings of one.",
      footer = {
        "",
        "Examples:",
        "  task-runner queues set mail --weight 5 --max-concurrent 20",
        "  task-runner queues set mail --rate 100 --max-retries 3 --min-backoff 1m",
        "  task-runner queues set mail --set max_concurrent=null"
      })
  static final class Put extends Verb {
    @Parameters(paramLabel = "NAME", description = "Name of the queue.")
    private String name = "";

    @Option(names = "--weight", paramLabel = "N", description = "Share of the workers, 1 to 100.")
    private @Nullable Integer weight;

    @Option(
        names = "--rate",
        paramLabel = "N",
        description = "Maximum number of attempts started per second.")
    private @Nullable Double rate;

    @Option(
        names = "--max-concurrent",
        paramLabel = "N",
        description = "Maximum number of concurrent attempts.")
    private @Nullable Integer concurrent;

    @Option(
        names = "--timeout",
        paramLabel = "TIME",
        converter = Spans.Converter.class,
        description = "Time limit for one attempt, such as 30s or 5m.")
    private Spans.@Nullable Seconds timeout;

    @Option(names = "--max-retries", paramLabel = "N", description = "Maximum number of retries.")
    private @Nullable Integer maxRetries;

    @Option(
        names = "--min-backoff",
        paramLabel = "TIME",
        converter = Spans.Converter.class,
        description = "Wait before the first retry; it doubles with each (default: 20s).")
    private Spans.@Nullable Seconds minBackoff;

    @Option(names = "--replace", description = "Set everything that is not given to its default.")
    private boolean replace;

    @Option(
        names = "--set",
        paramLabel = "FIELD=JSON",
        description = "Any other field of the API, with a JSON value; can be repeated.")
    private Map<String, String> others = Map.of();

    @Override
    int run(Api api, Out out) throws Failure {
      Api.Reply before = api.send("GET", Api.path(ONE, name), null);
      Map<String, @Nullable Object> settings = new LinkedHashMap<>();
      if (before.status() == 200 && !replace) {
        settings.putAll(before.object());
        settings.keySet().removeAll(List.of("name", "paused", "stats"));
      }
      settings.putAll(
          members(
              "weight",
              weight,
              "max_dispatches_per_sec",
              rate,
              "max_concurrent",
              concurrent,
              "timeout_sec",
              Spans.of(timeout)));
      Map<String, @Nullable Object> retry =
          members("max_retries", maxRetries, "min_backoff_sec", Spans.of(minBackoff));
      if (!retry.isEmpty()) {
        Map<String, @Nullable Object> all =
            new LinkedHashMap<>(Shown.object(settings.get("retry")));
        all.putAll(retry);
        settings.put("retry", all);
      }
      settings.putAll(json(others));
      String etag = before.etag();
      Api.Reply reply =
          etag == null
              ? api.put(Api.path(ONE, name), settings)
              : api.put(Api.path(ONE, name), settings, "If-Match", etag);
      if (!out.raw(reply)) {
        out.say(name + "  " + (reply.status() == 201 ? "created" : "updated"));
      }
      return 0;
    }
  }

  /** Whether a queue does not exist; false for those of Cloud Tasks, which calls create. */
  static boolean isMissing(Api api, String queue) throws Failure {
    return !queue.contains("/") && api.send("GET", Api.path(ONE, queue), null).status() == 404;
  }

  private static final List<String> WAITING = List.of("scheduled", "ready", "retry");

  private static final List<String> ALL =
      List.of("scheduled", "ready", "retry", "active", "dead", "succeeded", "cancelled");

  /** The number of a queue's tasks in some states, such as {@code 2,104 tasks}. */
  static String tasks(Api api, String queue, List<String> states) throws Failure {
    Map<String, @Nullable Object> stats =
        Shown.object(api.get(Api.path(ONE, queue)).object().get("stats"));
    long sum =
        states.stream()
            .mapToLong(state -> stats.get(state) instanceof Number count ? count.longValue() : 0)
            .sum();
    return Shown.count(sum, "task");
  }

  /** Fields whose values are JSON, or else strings. */
  static Map<String, @Nullable Object> json(Map<String, String> fields) {
    Map<String, @Nullable Object> values = new LinkedHashMap<>();
    fields.forEach((name, text) -> {
      try {
        Object value = JsonText.read(text);
        values.put(name, value == null ? JsonText.NULL : value);
      } catch (IOException aText) {
        values.put(name, text);
      }
    });
    return values;
  }

  @Command(
      name = "pause",
      description = "Pause a queue; running tasks finish.",
      footer = {"", "Example:", "  task-runner queues pause mail"})
  static final class Pause extends Simple {
    @Override
    Api.Reply call(Api api, String name) throws Failure {
      return api.post(Api.path(ONE + "/pause", name), null);
    }

    @Override
    String done(Api.Reply reply) {
      return "paused; running tasks finish";
    }
  }

  @Command(
      name = "resume",
      description = "Resume a queue.",
      footer = {"", "Example:", "  task-runner queues resume mail"})
  static final class Resume extends Simple {
    @Override
    Api.Reply call(Api api, String name) throws Failure {
      return api.post(Api.path(ONE + "/resume", name), null);
    }

    @Override
    String done(Api.Reply reply) {
      return "resumed";
    }
  }

  @Command(
      name = "purge",
      description = "Delete all waiting tasks of a queue; running tasks finish.",
      footer = {"", "Example:", "  task-runner queues purge mail --yes"})
  static final class Purge extends Simple.Asks {
    @Override
    String question(Api api, String name) throws Failure {
      return "This deletes " + tasks(api, name, WAITING) + " that wait in the queue " + name + ".";
    }

    @Override
    Api.Reply doIt(Api api, String name) throws Failure {
      return api.post(Api.path(ONE + "/purge", name), null);
    }

    @Override
    String done(Api.Reply reply) {
      return "purged; running tasks finish";
    }
  }

  @Command(
      name = "delete",
      description = "Delete a queue.",
      footer = {"", "Example:", "  task-runner queues delete mail --force --yes"})
  static final class Delete extends Simple.Asks {
    @Option(
        names = "--force",
        description = "Delete the queue even if it has tasks; they are deleted too.")
    private boolean force;

    @Override
    String question(Api api, String name) throws Failure {
      return "This deletes the queue "
          + name
          + (force ? " and its " + tasks(api, name, ALL) + "." : ".");
    }

    @Override
    Api.Reply doIt(Api api, String name) throws Failure {
      return api.delete(Api.path(ONE, name) + (force ? "?force=true" : ""));
    }

    @Override
    String done(Api.Reply reply) {
      return "deleted";
    }
  }
}
