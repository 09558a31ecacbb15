package driver;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.DoublePredicate;

/**
 * The results as a page to read and a file to compute with.
 *
 * @param stolen per cent of the machine that its host withheld under load, median
 */
record Report(
    Machine machine,
    Map<String, String> versions,
    Plan plan,
    boolean quick,
    Results results,
    List<String> leftOut,
    List<String> remarks,
    double stolen,
    Duration took) {

  /** What Task Runner set out to reach on 2 cores shared by everything. */
  private record Goal(String text, Optional<Double> value, DoublePredicate met) {}

  void write(Path folder) throws IOException {
    Files.createDirectories(folder);
    String name = LocalDate.now(ZoneOffset.UTC) + "-" + machine.slug() + (quick ? "-quick" : "");
    Files.writeString(folder.resolve(name + ".md"), page());
    Files.writeString(folder.resolve(name + ".json"), Json.write(json(), "") + "\n");
    System.out.println(page());
    System.err.println("bench: written to results/" + name + ".md and .json");
  }

  private String page() {
    var page = new StringBuilder();
    page.append("# Benchmark of ").append(LocalDate.now(ZoneOffset.UTC)).append("\n\n");
    page.append("`bench/run")
        .append(quick ? " --quick" : "")
        .append("`, ")
        .append(plan.rounds())
        .append(plan.rounds() == 1 ? " round" : " rounds, interleaved")
        .append(", ")
        .append(took.toSeconds())
        .append(" s in total. The figures are explained in [bench/README.md](../README.md).\n\n");
    page.append("| | |\n| --- | --- |\n");
    row(
        page,
        "machine",
        machine.cpu()
            + ", "
            + machine.cores()
            + " cores shared by all processes, "
            + machine.memory());
    row(page, "kernel", machine.kernel());
    versions.forEach((what, version) -> row(page, what, version));
    row(page, "CPU time stolen by the hypervisor under load", "%.0f %% of the machine".formatted(stolen));
    page.append("\n(a) plain HTTP to the target, (b) Task Runner, (c) BullMQ service; ")
        .append(Service.ATTEMPTS)
        .append(
            " concurrent attempts in each.\n"
                + "Median of the rounds (lowest–highest); ratios are medians of each round's"
                + " ratio.\n\n");
    page.append(
        "| | (a) | (b) | (c) | b ÷ c | b ÷ a |\n| --- | ---: | ---: | ---: | ---: | ---: |\n");
    for (Figure figure : Figure.values()) {
      if (results
          .median("a", figure)
          .or(() -> results.median("b", figure))
          .or(() -> results.median("c", figure))
          .isPresent()) {
        row(
            page,
            figure.label(),
            cell("a", figure),
            cell("b", figure),
            cell("c", figure),
            ratio("c", figure),
            ratio("a", figure));
      }
    }
    if (results.median("b", Figure.LATENCY_P50).isPresent()) {
      page.append(
          "\n"
              + "## Goals\n\n"
              + "| goal (on 2 cores) | measured | |\n"
              + "| --- | ---: | --- |\n");
      for (Goal goal : goals()) {
        goal.value()
            .ifPresent(value ->
                row(
                    page,
                    goal.text(),
                    "%,.2f".formatted(value),
                    goal.met().test(value) ? "met" : "**missed**"));
      }
    }
    section(page, "Omitted", leftOut);
    section(page, "Remarks", remarks);
    section(
        page,
        "What each service does for a task",
        List.of(
            "(a) wrk sends a 100-byte POST directly to the target: the limit of the machine, the load"
                + " generator and the target. Its latency is the lower bound of the measurement.",
            "(b) parses and validates the call, applies the client's rate and concurrency limits"
                + " (set too high to be reached), turns between clients and weights between queues,"
                + " leases each attempt, checks the address and the host's circuit breaker, and"
                + " deletes a task when it succeeds (`retention_sec` 0).",
            "(c) validates the call by JSON schema, one `queue.add` each (5 attempts, exponential"
                + " backoff, `removeOnComplete`), locks each attempt, writes BullMQ's event stream;"
                + " no limits, turns, address check or circuit breaker. One Node process: it cannot use"
                + " more than about one core, as the row of the idle machine shows.",
            "Each has its own Redis of the same build and options: append-only file, fsync each"
                + " second, no rewrites, no snapshots."));
    return page.toString();
  }

  private List<Goal> goals() {
    return List.of(
        new Goal(
            "tasks/s end to end ≥ 3 × BullMQ's",
            results.ratio("b", "c", Figure.END_TO_END),
            v -> v >= 3),
        new Goal(
            "the worker keeps up: ≥ 98 % delivered by the end of the intake",
            results.median("b", Figure.PACE), v -> v >= 98),
        new Goal(
            "CPU of the service ≤ 65 µs/task", results.median("b", Figure.APP_CPU), v -> v <= 65),
        new Goal("CPU of Redis ≤ 45 µs/task", results.median("b", Figure.REDIS_CPU), v -> v <= 45),
        new Goal(
            "at most 8 % of the machine idle under load",
            results.median("b", Figure.IDLE),
            v -> v <= 8),
        new Goal(
            "resident memory ≤ 350 MiB", results.median("b", Figure.RESIDENT), v -> v <= 350),
        new Goal(
            "enqueue to arrival at 500/s, p50 ≤ 1.3 ms",
            results.median("b", Figure.LATENCY_P50),
            v -> v <= 1.3),
        new Goal(
            "enqueue to arrival at 500/s, p99 ≤ 5 ms",
            results.median("b", Figure.LATENCY_P99),
            v -> v <= 5),
        new Goal(
            "enqueue to arrival at 500/s, p99.9 ≤ 12 ms",
            results.median("b", Figure.LATENCY_P999),
            v -> v <= 12),
        new Goal("lateness p99 ≤ 5 ms", results.median("b", Figure.LATENESS_P99), v -> v <= 5),
        new Goal(
            "never before it is due (earliest ≥ 0 ms)",
            results.all("b", Figure.LATENESS_MIN).stream().min(Double::compare),
            v -> v >= 0),
        new Goal(
            "Redis bytes per waiting task ≤ 520",
            results.median("b", Figure.WAITING_BYTES),
            v -> v <= 520),
        new Goal(
            "one Redis round trip per enqueue (+ 5 % for heartbeats)",
            results.median("b", Figure.ENQUEUE_READS), v -> v <= 1.05));
  }

  private String cell(String letter, Figure figure) {
    List<Double> all = results.all(letter, figure);
    if (all.isEmpty()) {
      return "–";
    }
    String middle = figure.show(results.median(letter, figure).orElseThrow());
    return all.size() == 1
        ? middle
        : middle
            + " ("
            + figure.show(Results.percentile(all, 0))
            + "–"
            + figure.show(Results.percentile(all, 100))
            + ")";
  }

  private String ratio(String to, Figure figure) {
    boolean compares =
        switch (figure) {
          case IDLE, OTHERS, OTHERS_PACED, LATENESS_MIN, PACE -> false;
          default -> true;
        };
    return compares ? results.ratio("b", to, figure).map("%.2f"::formatted).orElse("–") : "";
  }

  private Map<String, Object> json() {
    var json = new LinkedHashMap<String, Object>();
    json.put("date", LocalDate.now(ZoneOffset.UTC).toString());
    json.put("quick", quick);
    json.put(
        "machine",
        Map.of(
            "cpu",
            machine.cpu(),
            "cores",
            machine.cores(),
            "memory",
            machine.memory(),
            "kernel",
            machine.kernel()));
    json.put("versions", versions);
    json.put("attempts_at_once", Service.ATTEMPTS);
    json.put("rounds", plan.rounds());
    json.put("stolen_percent", stolen);
    json.put("left_out", leftOut);
    json.put("remarks", remarks);
    json.put("results", results.json());
    return json;
  }

  private static void section(StringBuilder page, String title, List<String> lines) {
    if (!lines.isEmpty()) {
      page.append("\n## ").append(title).append("\n\n");
      lines.forEach(line -> page.append("- ").append(line).append('\n'));
    }
  }

  private static void row(StringBuilder page, String... cells) {
    page.append("| ").append(String.join(" | ", cells)).append(" |\n");
  }
}
