package io.taskrunner.cli;

import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What happened in the queues over time. */
final class SeriesCommands {

  private static final String BARS = "▁▂▃▄▅▆▇█";

  private SeriesCommands() {}

  @Command(
      name = "series",
      description = "Show what happened in a queue, or in all queues, over time.",
      footer = {
        "",
        "Examples:",
        "  task-runner series",
        "  task-runner series mail --last 24h --step 15m",
        "  task-runner series --last 35d --step 1d --json"
      })
  static final class Series extends Verb {
    @Parameters(
        arity = "0..1",
        paramLabel = "QUEUE",
        description = "Name of the queue (default: all together).")
    private @Nullable String queue;

    @Option(
        names = "--last",
        paramLabel = "TIME",
        converter = Spans.Converter.class,
        description = "Start this long ago (default: 1h; maximum: 35d).")
    private Spans.@Nullable Seconds last;

    @Option(
        names = "--step",
        paramLabel = "TIME",
        converter = Spans.Converter.class,
        description =
            "Length of a step: whole minutes, or above 1h whole hours"
                + " (default: 1m, or 1h for more than a day).")
    private Spans.@Nullable Seconds step;

    @Override
    int run(Api api, Out out) throws Failure {
      Instant from = last == null ? null : out.now().minusMillis(last.millis());
      Map<String, @Nullable Object> query =
          members("queue", queue, "from", from, "step", Spans.of(step));
      Api.Reply reply = api.get(Api.query("/v1/series", query));
      if (!out.raw(reply)) {
        out.table(rows(reply.object()), COLUMNS);
      }
      return 0;
    }
  }

  private static final List<Out.Column> COLUMNS =
      List.of(
          Out.Column.of("TIME", "time"),
          Out.Column.of("ENQUEUED", "enqueued"),
          Out.Column.of("SUCCEEDED", "succeeded"),
          Out.Column.of("FAILED", "failed"),
          Out.Column.of("DIED", "died"),
          Out.Column.of("READY", "ready"),
          Out.Column.of("ACTIVE", "active"),
          Out.Column.of("WAITING", "waiting"),
          Out.Column.of("DEAD", "dead"),
          Out.Column.of("OLDEST S", "oldest_ready_age_sec"),
          Out.Column.of("LAG P95 S", "lag_p95_sec"),
          Out.Column.of("TOOK P95 S", "duration_p95_sec"));

  /** The columns of a series as rows. */
  private static List<Map<String, @Nullable Object>> rows(Map<String, @Nullable Object> series)
      throws Failure {
    try {
      Instant from = Instant.parse(String.valueOf(series.get("from")));
      long step = series.get("step_sec") instanceof Number number ? number.longValue() : 0;
      List<Map<String, @Nullable Object>> rows = new ArrayList<>();
      series.forEach((name, column) -> {
        if (column instanceof List<?> values) {
          for (int i = 0; i < values.size(); i++) {
            if (i == rows.size()) {
              rows.add(new LinkedHashMap<>(Map.of("time", from.plusSeconds(i * step).toString())));
            }
            rows.get(i).put(name, values.get(i));
          }
        }
      });
      return rows;
    } catch (DateTimeParseException notOurs) {
      throw new Failure(Failure.REFUSED, "The response is not a series.");
    }
  }

  @Command(
      name = "failures",
      description = "List the newest failed attempts.",
      footer = {"", "Example:", "  task-runner failures mail"})
  static final class Failures extends Verb {
    @Parameters(
        arity = "0..1",
        paramLabel = "QUEUE",
        description = "Name of the queue (default: all).")
    private @Nullable String queue;

    @Option(
        names = {"-n", "--limit"},
        paramLabel = "N",
        description = "Maximum number (default: 50, maximum: 200).")
    private @Nullable Integer limit;

    @Override
    int run(Api api, Out out) throws Failure {
      Api.Reply reply = api.get(Api.query("/v1/failures", members("queue", queue, "limit", limit)));
      if (!out.raw(reply)) {
        out.table(Shown.list(reply.object(), "failures"), failures(out));
      }
      return 0;
    }
  }

  /** The columns of a list of failed attempts. */
  static List<Out.Column> failures(Out out) {
    return List.of(
        new Out.Column("FAILED", row -> Shown.ago(row, "time", out.now())),
        Out.Column.of("ERROR", "error"),
        Out.Column.of("HOST", "host"),
        Out.Column.of("QUEUE", "queue"),
        Out.Column.of("ATTEMPT", "attempt"),
        Out.Column.of("TASK", "task_id"));
  }

  /**
   * Numbers as bars up to the largest of them, a blank where there is none.
   *
   * @param width to which they are filled with blanks on the left
   */
  static String bars(@Nullable Object list, int width) {
    if (!(list instanceof List<?> values)) {
      return "";
    }
    double most =
        values.stream()
            .mapToDouble(each -> each instanceof Number n ? n.doubleValue() : 0)
            .max()
            .orElse(0);
    StringBuilder bars = new StringBuilder(" ".repeat(Math.max(0, width - values.size())));
    for (Object value : values) {
      bars.append(
          value instanceof Number n
              ? BARS.charAt(most == 0 ? 0 : (int) Math.round(n.doubleValue() / most * 7))
              : ' ');
    }
    return bars.toString();
  }
}
