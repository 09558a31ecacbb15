package io.taskrunner.app;

import io.taskrunner.dispatch.Performer;
import io.taskrunner.store.ForwardingWorkStore;
import io.taskrunner.store.WorkStore;
import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.WorkStore.Settlement;
import io.taskrunner.task.Outcome;
import io.taskrunner.task.TargetUrl;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.Verdict;
import java.io.PrintStream;
import java.time.Duration;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Prints a line for each attempt, such as {@code 00:26:30 POST localhost:9000/x -> 500 in 3 ms,
 * attempt 1, again in 21 s}, once the store has accepted its verdict.
 *
 * <p>More than {@value #LINES_PER_SEC} attempts in a second are counted instead, so that a load
 * test does not flood the terminal.
 */
final class AttemptLines {

  static final int LINES_PER_SEC = 20;

  /** Maximum number of attempts without a verdict that are remembered. */
  private static final int BEGUN_MAX = 10_000;

  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("HH:mm:ss").withZone(ZoneOffset.UTC);

  private final PrintStream out;
  private final InstantSource clock;
  private final Map<TaskId, Begun> begun = new ConcurrentHashMap<>();
  private long second;
  private int printed;
  private int counted;

  /** An attempt that was started. */
  private record Begun(Claim claim, Performer.Request request) {}

  AttemptLines(PrintStream out, InstantSource clock) {
    this.out = out;
    this.clock = clock;
  }

  /** Remembers the attempts that it starts. */
  Performer performer(Performer performer) {
    return (claim, timeout) -> {
      Performer.Request request = performer.perform(claim, timeout);
      if (begun.size() >= BEGUN_MAX) {
        begun.clear(); // left over from attempts without a verdict
      }
      begun.put(claim.id(), new Begun(claim, request));
      return request;
    };
  }

  /** Prints the attempts whose verdicts it delivers. */
  WorkStore store(WorkStore store) {
    return new Delivering(store);
  }

  private final class Delivering extends ForwardingWorkStore {
    Delivering(WorkStore store) {
      super(store);
    }

    @Override
    public Exchange exchange(List<Settlement> verdicts, ClaimRequest claim) {
      Exchange exchange = super.exchange(verdicts, claim);
      print(verdicts, exchange.settled());
      return exchange;
    }

    @Override
    public List<Settled> settle(String workerId, List<Settlement> verdicts) {
      List<Settled> settled = super.settle(workerId, verdicts);
      print(verdicts, settled);
      return settled;
    }
  }

  private synchronized void print(List<Settlement> verdicts, List<WorkStore.Settled> settled) {
    long now = clock.millis() / 1000;
    if (now != second) {
      if (counted > 0) {
        out.println("… and " + counted + " more attempts in that second");
      }
      second = now;
      printed = 0;
      counted = 0;
    }
    for (int i = 0; i < settled.size(); i++) {
      Begun attempt = begun.remove(verdicts.get(i).id());
      if (attempt == null || settled.get(i) != WorkStore.Settled.DONE) {
        continue;
      }
      if (printed < LINES_PER_SEC) {
        printed++;
        out.println(TIME.format(clock.instant()) + " " + line(attempt, verdicts.get(i)));
      } else {
        counted++;
      }
    }
    out.flush();
  }

  private static String line(Begun attempt, Settlement settled) {
    Claim claim = attempt.claim();
    TargetUrl url = claim.spec().request().url();
    String path = url.pathAndQuery();
    int query = path.indexOf('?'); // may hold secrets
    Outcome outcome = attempt.request().outcome().getNow(new Outcome.CutOff());
    boolean probe = settled.attempt() == null && settled.breaker() instanceof BreakerReport.Failed;
    return claim.spec().request().method()
        + " "
        + url.hostAndPort()
        + (query < 0 ? path : path.substring(0, query))
        + " -> "
        + text(outcome)
        + (settled.attempt() == null ? "" : " in " + span(settled.attempt().duration()))
        + (probe ? ", a probe of a failing host" : ", attempt " + claim.start().attempt())
        + text(settled.verdict(), claim.id());
  }

  private static String text(Outcome outcome) {
    return switch (outcome) {
      case Outcome.Answered(int status, _, _) -> Integer.toString(status);
      case Outcome.TimedOut _ -> "timeout";
      case Outcome.Unanswered(var error, String detail) ->
          error.word()
              + (detail.isEmpty() ? "" : " (" + detail.replaceAll("\\p{Cntrl}", "?") + ")");
      case Outcome.NotReady _ -> "not ready";
      case Outcome.CutOff _ -> "aborted";
      case Outcome.Cancelled _ -> "aborted";
    };
  }

  private static String text(Verdict verdict, TaskId id) {
    return switch (verdict) {
      case Verdict.Succeed _ -> "";
      case Verdict.Retry(Duration in) -> ", again in " + span(in);
      case Verdict.PutBack(Duration in) -> in.isZero() ? ", put back" : ", again in " + span(in);
      case Verdict.Bury _ -> ", dead: see ./task-runner tasks show " + id;
      case Verdict.Cancel _ -> ", cancelled";
      case Verdict.Hold _ -> ", waits for its host";
    };
  }

  /** A time span for people, such as {@code 3 ms}, {@code 1.2 s} or {@code 5 min 20 s}. */
  static String span(Duration time) {
    long millis = time.toMillis();
    if (millis < 1000) {
      return millis + " ms";
    }
    if (millis < 10_000) {
      return millis / 1000 + "." + millis % 1000 / 100 + " s";
    }
    if (millis < 120_000) {
      return millis / 1000 + " s";
    }
    long seconds = time.toSecondsPart();
    return time.toMinutes() + " min" + (seconds == 0 ? "" : " " + seconds + " s");
  }
}
