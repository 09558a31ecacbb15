package io.taskrunner.cli;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * A view of the server that is refreshed periodically. On a terminal it has a screen of its own,
 * and what was there before is back afterwards.
 */
@Command(
    name = "watch",
    description = "Show rates, queues, failures, open circuit breakers and workers, refreshed.",
    footer = {
      "",
      "Examples:",
      "  task-runner watch",
      "  task-runner watch --every 5 --times 12 --json >minute.jsonl"
    })
final class WatchCommand extends Verb {

  private static final int QUEUES_MAX = 20;
  private static final int FAILURES_MAX = 5;
  private static final int MINUTES = 30;

  /** The alternate screen, without a cursor; lines are cut by the terminal when it gets smaller. */
  private static final String BEGIN = "\u001b[?1049h\u001b[?25l\u001b[?7l";

  private static final String END = "\u001b[?7h\u001b[?25h\u001b[?1049l";

  private static final String HOME = "\u001b[H";
  private static final String REST_OF_LINE_CLEARED = "\u001b[K\r\n";
  private static final String REST_CLEARED = "\u001b[J";

  @Option(
      names = "--every",
      paramLabel = "TIME",
      converter = Spans.Converter.class,
      description = "Refresh interval (default: 1s).")
  private Spans.@Nullable Seconds every;

  @Option(
      names = "--times",
      paramLabel = "N",
      description = "Exit after this many refreshes (default: never).")
  private @Nullable Integer times;

  @Override
  int run(Api api, Out out) throws Failure, InterruptedException {
    long millis = every == null ? 1000 : every.millis();
    if (millis < 100 || millis > 3_600_000) {
      throw new Failure(Failure.MISUSED, "--every: " + millis + " ms (expected: 100ms to 1h)");
    }
    if (out.json() || !around().terminal()) {
      for (int i = 0; times == null || i < times; i++) {
        pause(i, millis);
        print(api, out);
      }
      return 0;
    }
    return onOwnScreen(api, out, millis);
  }

  private static void pause(int turn, long millis) throws InterruptedException {
    if (turn > 0) {
      TimeUnit.MILLISECONDS.sleep(millis);
    }
  }

  private void print(Api api, Out out) throws Failure {
    Api.Reply overview = api.get("/v1/overview");
    if (!out.raw(overview)) {
      draw(api, overview, out).forEach(out.to()::println);
      out.to().println();
    }
    out.to().flush();
  }

  private int onOwnScreen(Api api, Out out, long millis) throws Failure, InterruptedException {
    List<String> lines = draw(api, api.get("/v1/overview"), out);
    Thread restoring = new Thread(() -> write(out, END), "restore-screen");
    Runtime.getRuntime().addShutdownHook(restoring); // also when it is interrupted
    write(out, BEGIN);
    try {
      for (int i = 0; times == null || i < times; i++) {
        pause(i, millis);
        if (i > 0) {
          try {
            lines = draw(api, api.get("/v1/overview"), out);
          } catch (Failure failure) {
            if (failure.status() != Failure.UNREACHABLE) {
              throw failure;
            }
            lines = List.of(String.valueOf(failure.getMessage()), "", "Trying again.");
          }
        }
        show(lines, out);
      }
    } finally {
      write(out, END);
      Runtime.getRuntime().removeShutdownHook(restoring);
    }
    lines.forEach(out.to()::println);
    return 0;
  }

  private static void write(Out out, String text) {
    out.to().print(text);
    out.to().flush();
  }

  /** As many lines as the terminal has, over those of before. */
  private void show(List<String> lines, Out out) {
    String height = around().variable("LINES");
    int most =
        height != null && height.matches("[1-9]\\d{0,3}") ? Integer.parseInt(height) : lines.size();
    List<String> seen = lines.subList(0, Math.min(lines.size(), Math.max(1, most - 1)));
    write(
        out, HOME + String.join(REST_OF_LINE_CLEARED, seen) + REST_OF_LINE_CLEARED + REST_CLEARED);
  }

  private List<String> draw(Api api, Api.Reply overview, Out out) throws Failure {
    ByteArrayOutputStream drawn = new ByteArrayOutputStream();
    Out page =
        new Out(
            new PrintStream(drawn, false, StandardCharsets.UTF_8),
            false,
            out.colour(),
            out.width(),
            around().clock().instant());
    Map<String, @Nullable Object> all = overview.object();
    head(api, all, page);
    section(page, Shown.list(all, "queues"), QUEUES_MAX, queues());
    section(page, Shown.list(all, "causes"), FAILURES_MAX, CAUSES);
    section(page, Shown.list(all, "failures"), FAILURES_MAX, SeriesCommands.failures(page));
    section(page, Shown.list(all, "breakers"), FAILURES_MAX, HostsCommands.breakerColumns(page));
    List<Map<String, @Nullable Object>> workers =
        Shown.list(api.get("/admin/workers").object(), "workers");
    section(page, workers, QUEUES_MAX, StatusCommands.workers(page));
    page.to().flush();
    return drawn.toString(StandardCharsets.UTF_8).lines().toList();
  }

  private static final List<Out.Column> CAUSES =
      List.of(
          Out.Column.of("DEAD BY CAUSE", "error"),
          Out.Column.of("HOST", "host"),
          Out.Column.of("QUEUE", "queue"),
          Out.Column.of("TASKS", "count"));

  private static List<Out.Column> queues() {
    return List.of(
        Out.Column.of("QUEUE", "name"),
        Out.Column.of("READY", "stats.ready"),
        Out.Column.of("OLDEST S", "stats.oldest_ready_age_sec"),
        Out.Column.of("ACTIVE", "stats.active"),
        Out.Column.of("SCHEDULED", "stats.scheduled"),
        Out.Column.of("RETRY", "stats.retry"),
        Out.Column.of("DEAD", "stats.dead"),
        Out.Column.of("PAUSED", "paused"),
        new Out.Column(
            "ATTEMPTS, 30 MIN", row -> SeriesCommands.bars(row.get("ended_per_minute"), MINUTES)));
  }

  private static void head(Api api, Map<String, @Nullable Object> all, Out page) {
    page.fit(
        api.url()
            + "   "
            + Shown.text(all, "time")
            + (Boolean.TRUE.equals(all.get("paused")) ? "   ALL QUEUES ARE PAUSED" : ""));
    page.fit(
        "last minute: "
            + Shown.text(all, "last_minute.enqueued")
            + " enqueued, "
            + Shown.text(all, "last_minute.succeeded")
            + " succeeded, "
            + Shown.text(all, "last_minute.failed")
            + " failed, "
            + Shown.text(all, "last_minute.died")
            + " died; started within "
            + Shown.text(all, "last_minute.lag_p95_sec")
            + " s (95 %)");
    page.fit(
        "ready "
            + Shown.text(all, "totals.ready")
            + "   active "
            + Shown.text(all, "totals.active")
            + " of "
            + Shown.text(all, "workers.slots")
            + "   scheduled "
            + Shown.text(all, "totals.scheduled")
            + "   retry "
            + Shown.text(all, "totals.retry")
            + "   dead "
            + Shown.text(all, "totals.dead"));
    for (String warning : warnings(all)) {
      page.fit("warning: " + warning);
    }
  }

  private static List<String> warnings(Map<String, @Nullable Object> all) {
    List<String> warnings = new ArrayList<>();
    if (all.get("warnings") instanceof List<?> list) {
      list.forEach(each -> warnings.add(String.valueOf(each)));
    }
    return warnings;
  }

  /** A table with a blank line before it; nothing when it is empty. */
  private static void section(
      Out page, List<Map<String, @Nullable Object>> rows, int most, List<Out.Column> columns) {
    if (rows.isEmpty()) {
      return;
    }
    page.fit("");
    page.table(rows.subList(0, Math.min(most, rows.size())), columns);
    if (rows.size() > most) {
      page.fit("(" + (rows.size() - most) + " more)");
    }
  }
}
