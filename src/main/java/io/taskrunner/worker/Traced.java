package io.taskrunner.worker;

import io.taskrunner.dispatch.Performer;
import io.taskrunner.store.ForwardingWorkStore;
import io.taskrunner.store.WorkStore;
import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.task.Outcome;
import io.taskrunner.task.Task.TaskSpec;
import io.taskrunner.task.TaskId;
import io.taskrunner.telemetry.Tracing;
import io.taskrunner.telemetry.Tracing.Place;
import io.taskrunner.telemetry.Tracing.Side;
import io.taskrunner.telemetry.Tracing.Trace;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/**
 * Creates a span for each attempt, which is propagated to the target, and one for the delivery of
 * its verdict to the store. Names follow OpenTelemetry's semantic conventions for HTTP clients,
 * messaging and databases.
 */
public final class Traced {

  /** Maximum number of attempts with an unsettled verdict; further ones are dropped. */
  private static final int PLACES_MAX = 10_000;

  private static final Place NO_PLACE = new Place(null, null);

  private final Tracing tracing;
  private final Map<TaskId, Place> ended = new ConcurrentHashMap<>();

  /** Nothing yet. */
  public Traced(Tracing tracing) {
    this.tracing = tracing;
  }

  /** Performs attempts in spans. */
  public Performer performer(Performer performer) {
    return (claim, timeout) -> perform(performer, claim, timeout);
  }

  private Performer.Request perform(Performer performer, Claim claim, Duration timeout) {
    TaskSpec spec = claim.spec();
    String method = spec.request().method();
    Trace trace =
        tracing
            .beginLinked(Side.CLIENT, method, spec.trace() == null ? NO_PLACE : spec.trace())
            .set("http.request.method", method)
            .set("url.full", spec.request().url().withoutQuery())
            .set("server.address", spec.request().url().host())
            .set("server.port", spec.request().url().port())
            .set("http.request.resend_count", claim.start().attempt() - 1)
            .set("messaging.system", "task_runner")
            .set("messaging.operation.type", "process")
            .set("messaging.operation.name", "attempt")
            .set("messaging.destination.name", claim.queue())
            .set("messaging.message.id", claim.id().toString())
            .set("task_runner.client_id", claim.clientId())
            .set("task_runner.attempt", claim.start().attempt());
    Place place = trace.place();
    Performer.Request request;
    try {
      request = performer.perform(claim.with(spec.at(place)), timeout);
    } catch (RuntimeException bug) {
      trace.failed("not_begun").end();
      throw bug;
    }
    return new Spanned(
        request,
        request
            .outcome()
            .whenComplete((outcome, bug) -> {
              tell(trace, bug == null ? outcome : new Outcome.CutOff());
              if (ended.size() >= PLACES_MAX) {
                ended.clear(); // left over from attempts without a verdict
              }
              ended.put(claim.id(), place);
            }));
  }

  private static void tell(Trace trace, Outcome outcome) {
    switch (outcome) {
      case Outcome.Answered(int status, _, _) -> {
        trace.set("http.response.status_code", status);
        if (status >= 400) {
          trace.failed(Integer.toString(status));
        }
      }
      case Outcome.TimedOut _ -> trace.failed("timeout");
      case Outcome.Unanswered unanswered -> trace.failed(unanswered.error().word());
      case Outcome.NotReady _ -> trace.failed("not_ready");
      case Outcome.CutOff _ -> trace.failed("cut_off");
      case Outcome.Cancelled _ -> trace.failed("cancelled");
    }
    trace.end();
  }

  /** An attempt whose span ends before its outcome is visible to others. */
  private record Spanned(Performer.Request request, CompletableFuture<Outcome> outcome)
      implements Performer.Request {
    @Override
    public BreakerReport breaker() {
      return request.breaker();
    }

    @Override
    public void cancel() {
      request.cancel();
    }

    @Override
    public void cutOff() {
      request.cutOff();
    }
  }

  /** Delivers verdicts in spans. */
  public WorkStore store(WorkStore store) {
    return new Delivering(store);
  }

  private final class Delivering extends ForwardingWorkStore {
    Delivering(WorkStore store) {
      super(store);
    }

    @Override
    public Exchange exchange(List<Settlement> verdicts, ClaimRequest claim) {
      return inSpans(verdicts, () -> super.exchange(verdicts, claim));
    }

    @Override
    public List<Settled> settle(String workerId, List<Settlement> verdicts) {
      return inSpans(verdicts, () -> super.settle(workerId, verdicts));
    }
  }

  private <T> T inSpans(List<WorkStore.Settlement> verdicts, Supplier<T> delivery) {
    List<Trace> traces = new ArrayList<>();
    for (WorkStore.Settlement verdict : verdicts) {
      Place place = ended.remove(verdict.id());
      if (place != null) {
        traces.add(tracing.script("settle", verdicts.size(), place));
      }
    }
    try {
      return delivery.get();
    } catch (RuntimeException failure) {
      traces.forEach(trace -> trace.failed(failure.getClass().getSimpleName()));
      throw failure;
    } finally {
      traces.forEach(Trace::end);
    }
  }
}
