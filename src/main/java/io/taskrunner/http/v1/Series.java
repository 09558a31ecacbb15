package io.taskrunner.http.v1;

import com.linecorp.armeria.common.HttpMethod;
import io.taskrunner.client.Client;
import io.taskrunner.http.call.Access;
import io.taskrunner.http.call.Answer;
import io.taskrunner.http.call.Call;
import io.taskrunner.http.call.Caller;
import io.taskrunner.http.call.Faults;
import io.taskrunner.http.call.JsonOut;
import io.taskrunner.http.call.Missing;
import io.taskrunner.http.call.Problem;
import io.taskrunner.http.call.Refusal;
import io.taskrunner.http.call.Route;
import io.taskrunner.http.call.Times;
import io.taskrunner.store.Histogram;
import io.taskrunner.store.QueueSettings;
import io.taskrunner.store.SeriesStore;
import io.taskrunner.store.SeriesStore.Failure;
import io.taskrunner.store.SeriesStore.Of;
import io.taskrunner.store.SeriesStore.Point;
import io.taskrunner.store.TaskStore;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * {@code GET /v1/series} and {@code GET /v1/failures}: what happened in the queues over time. A
 * client sees the series of the queues that it may use; everything else is only for admins.
 */
public final class Series {

  private static final int STEP_MIN = 60;
  private static final int STEP_MAX = 86_400;
  private static final int HOUR = 3600;
  private static final int POINTS_MAX = 1500;
  private static final int FAILURES = 50;
  private static final Duration RANGE = Duration.ofHours(1);

  private final SeriesStore series;
  private final TaskStore tasks;

  /** Over a store; the time is that of its tasks. */
  public Series(SeriesStore series, TaskStore tasks) {
    this.series = series;
    this.tasks = tasks;
  }

  /** The routes. */
  public List<Route> routes() {
    return List.of(
        Route.of(HttpMethod.GET, "/v1/series", Access.READ, this::read)
            .taking("queue", "others", "from", "to", "step"),
        Route.of(HttpMethod.GET, "/v1/failures", Access.ADMIN, this::failures)
            .taking("queue", "limit"));
  }

  private Answer read(Call call) {
    Faults faults = new Faults();
    Call.Query query = call.query(faults);
    String queue = query.text("queue", QueueSettings.ANY_NAME, Tasks.QUEUE_FORM);
    boolean others = query.flag("others");
    if (others && queue != null) {
      query.fault("others", "true", "false, because a queue is given");
    }
    Instant to = Optional.ofNullable(Tasks.time(query, "to")).orElseGet(tasks::now);
    Instant from = Optional.ofNullable(Tasks.time(query, "from")).orElse(to.minus(RANGE));
    if (!from.isBefore(to)) {
      query.fault("from", Times.text(from), "a time before " + Times.text(to));
    }
    boolean isLong = Duration.between(from, to).compareTo(SeriesStore.MINUTES_KEPT) > 0;
    int step = query.integer("step", isLong ? HOUR : STEP_MIN, STEP_MIN, STEP_MAX);
    if (step % STEP_MIN != 0 || step > HOUR && step % HOUR != 0) {
      query.fault("step", Integer.toString(step), "whole minutes, or above 3600 whole hours");
    }
    long first = Math.floorDiv(from.getEpochSecond(), step);
    long end = Math.floorDiv(to.getEpochSecond(), step) + 1;
    if (end - first > POINTS_MAX) {
      query.fault(
          "step", Integer.toString(step), "a longer one, for at most " + POINTS_MAX + " values");
    }
    faults.raise();
    permit(call.caller(), queue);
    Instant begins = Instant.ofEpochSecond(first * step);
    Of of = others ? new Of.Others() : queue == null ? new Of.All() : new Of.Named(queue);
    List<@Nullable Point> points =
        series
            .read(of, begins, (int) (end - first), Duration.ofSeconds(step))
            .orElseThrow(() -> new Refusal(Missing.queue(String.valueOf(queue))));
    return Answer.ok(JsonOut.object(out -> write(out, queue, begins, step, points)));
  }

  private static void permit(Caller caller, @Nullable String queue) {
    if (caller instanceof Caller.Known(Client client, _)) {
      if (queue == null) {
        throw new Refusal(
            Problem.forbidden("A client sees only the series of a queue: set queue."));
      }
      if (!client.settings().mayUse(queue)) {
        throw new Refusal(Problem.queueNotAllowed(client.id(), queue));
      }
    }
  }

  /** The members of a series. */
  static void write(
      JsonOut out, @Nullable String queue, Instant from, int step, List<@Nullable Point> points)
      throws IOException {
    out.text("queue", queue);
    out.time("from", from);
    out.number("step_sec", step);
    count(out, "enqueued", points, point -> point.counts().enqueued());
    count(out, "succeeded", points, point -> point.counts().succeeded());
    count(out, "failed", points, point -> point.counts().failed());
    count(out, "died", points, point -> point.counts().died());
    sample(out, "ready", points, SeriesStore.Sample::ready);
    sample(out, "active", points, SeriesStore.Sample::active);
    sample(out, "waiting", points, SeriesStore.Sample::waiting);
    sample(out, "dead", points, SeriesStore.Sample::dead);
    column(
        out,
        "oldest_ready_age_sec",
        points,
        point ->
            point.sample() == null ? null : seconds(Optional.of(point.sample().oldestReady())));
    quantiles(out, "lag", points, point -> point.counts().lag());
    quantiles(out, "duration", points, point -> point.counts().duration());
  }

  private static void count(
      JsonOut out, String name, List<@Nullable Point> points, ToLongFunction<Point> of)
      throws IOException {
    column(out, name, points, point -> Double.valueOf(of.applyAsLong(point)));
  }

  private static void sample(
      JsonOut out, String name, List<@Nullable Point> points, ToLongFunction<SeriesStore.Sample> of)
      throws IOException {
    column(
        out,
        name,
        points,
        point -> point.sample() == null ? null : Double.valueOf(of.applyAsLong(point.sample())));
  }

  private static void quantiles(
      JsonOut out, String name, List<@Nullable Point> points, Function<Point, Histogram> of)
      throws IOException {
    for (int percent : List.of(50, 95, 99)) {
      column(
          out,
          name + "_p" + percent + "_sec",
          points,
          point -> seconds(of.apply(point).quantile(percent / 100.0)));
    }
  }

  /** A time in seconds, to the millisecond; null for none. */
  static @Nullable Double seconds(Optional<Duration> time) {
    return time.map(each -> each.toMillis() / 1000.0).orElse(null);
  }

  private static void column(
      JsonOut out,
      String name,
      List<@Nullable Point> points,
      Function<Point, @Nullable Double> value)
      throws IOException {
    out.array(
        name,
        items -> {
          for (Point point : points) {
            items.item(point == null ? null : value.apply(point));
          }
        });
  }

  private Answer failures(Call call) {
    Faults faults = new Faults();
    Call.Query query = call.query(faults);
    String queue = query.text("queue", QueueSettings.ANY_NAME, Tasks.QUEUE_FORM);
    int limit = query.integer("limit", FAILURES, 1, SeriesStore.FAILURES_MAX);
    faults.raise();
    List<Failure> found =
        series.failures().stream()
            .filter(failure -> queue == null || failure.queue().equals(queue))
            .limit(limit)
            .toList();
    return Answer.ok(JsonOut.object(out -> failures(out, found)));
  }

  /** The member {@code failures}. */
  static void failures(JsonOut out, List<Failure> failures) throws IOException {
    out.array(
        "failures",
        items -> {
          for (Failure failure : failures) {
            items.item(item -> {
              item.time("time", failure.time());
              item.text("task_id", failure.task().toString());
              item.text("queue", failure.queue());
              item.text("host", failure.host().isEmpty() ? null : failure.host());
              item.text("error", failure.cause());
              item.number("attempt", failure.attempt() == 0 ? null : (Integer) failure.attempt());
            });
          }
        });
  }
}
