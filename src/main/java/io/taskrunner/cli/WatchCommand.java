package io.taskrunner.cli;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** A view of queues and workers that is refreshed periodically. */
@Command(
    name = "watch",
    description = "Show queues, open circuit breakers and workers, refreshed every second.",
    footer = {
      "",
      "Examples:",
      "  task-runner watch",
      "  task-runner watch --every 5 --times 12 --json >minute.jsonl"
    })
final class WatchCommand extends Verb {

  /** At most this many open breakers are shown. */
  private static final int OPEN_MAX = 5;

  private static final String HOME_AND_CLEAR = "\u001b[H\u001b[J";

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
    for (int i = 0; times == null || i < times; i++) {
      if (i > 0) {
        TimeUnit.MILLISECONDS.sleep(millis);
      }
      draw(api, out);
    }
    return 0;
  }

  private void draw(Api api, Out out) throws Failure {
    Api.Reply stats = api.get("/v1/stats");
    if (out.raw(stats)) {
      return;
    }
    Api.Reply queues = api.get("/v1/queues");
    Api.Reply workers = api.get("/admin/workers");
    ByteArrayOutputStream drawn = new ByteArrayOutputStream();
    Out page =
        new Out(
            new PrintStream(drawn, false, StandardCharsets.UTF_8),
            false,
            out.colour(),
            out.width(),
            around().clock().instant());
    Map<String, @Nullable Object> all = stats.object();
    page.say(
        api.url()
            + "   ready "
            + Shown.text(all, "ready")
            + "   active "
            + Shown.text(all, "active")
            + " of "
            + Shown.text(all, "slots")
            + "   scheduled "
            + Shown.text(all, "scheduled")
            + "   retry "
            + Shown.text(all, "retry")
            + "   dead "
            + Shown.text(all, "dead"));
    page.say("");
    page.table(Shown.list(queues.object(), "queues"), QueuesCommands.COLUMNS);
    page.say("");
    List<Map<String, @Nullable Object>> open = HostsCommands.breakers(api, null, OPEN_MAX + 1);
    for (Map<String, @Nullable Object> one : open.subList(0, Math.min(OPEN_MAX, open.size()))) {
      page.say(
          Shown.text(one, "host")
              + " is left alone: circuit breaker "
              + HostsCommands.state(one, page)
              + ", "
              + Shown.text(one, "waiting")
              + " tasks wait");
    }
    if (open.size() > OPEN_MAX) {
      page.say("and more: task-runner hosts list");
    }
    if (!open.isEmpty()) {
      page.say("");
    }
    page.table(Shown.list(workers.object(), "workers"), StatusCommands.workers(page));
    page.to().flush();
    out.to()
        .print(
            (around().terminal() ? HOME_AND_CLEAR : "") + drawn.toString(StandardCharsets.UTF_8));
    if (!around().terminal()) {
      out.to().println();
    }
    out.to().flush();
  }
}
