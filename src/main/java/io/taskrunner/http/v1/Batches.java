package io.taskrunner.http.v1;

import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.HttpStatus;
import io.taskrunner.client.Client;
import io.taskrunner.http.call.Access;
import io.taskrunner.http.call.Answer;
import io.taskrunner.http.call.Call;
import io.taskrunner.http.call.Fault;
import io.taskrunner.http.call.Faults;
import io.taskrunner.http.call.Fields;
import io.taskrunner.http.call.JsonOut;
import io.taskrunner.http.call.Problem;
import io.taskrunner.http.call.Refusal;
import io.taskrunner.http.call.Route;
import io.taskrunner.http.call.Shown;
import io.taskrunner.store.Enqueue;
import io.taskrunner.store.EnqueueResult;
import io.taskrunner.store.EnqueueResult.Accepted;
import io.taskrunner.store.EnqueueResult.Refused;
import io.taskrunner.store.QueueSettings;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.TaskStore;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * {@code POST /v1/enqueue/batch}: many enqueues in one call, each with a result of its own. The
 * status is 200 when none was rejected, 207 when some were, and that of the first rejection when
 * all were.
 */
public final class Batches {

  private static final int ITEMS_MAX = 1000;

  private final TaskStore tasks;
  private final Enqueues enqueues;

  /** Enqueues each item as {@code enqueues} would. */
  public Batches(TaskStore tasks, Enqueues enqueues) {
    this.tasks = tasks;
    this.enqueues = enqueues;
  }

  /** The routes. */
  public List<Route> routes() {
    return List.of(
        Route.of(
            HttpMethod.POST, "/v1/enqueue/batch", Access.ENQUEUE, Route.Body.BATCH, this::enqueue));
  }

  /** The result of one item. */
  private sealed interface Result {
    record Taken(Accepted accepted) implements Result {
      boolean made() {
        return accepted instanceof EnqueueResult.Enqueued;
      }
    }

    /**
     * A rejection.
     *
     * @param ofCaller whether it rejects the caller of the entire batch
     */
    record Rejected(Problem problem, boolean ofCaller) implements Result {}
  }

  private Answer enqueue(Call call) {
    Faults faults = new Faults();
    if (Enqueues.hasKeyHeader(call)) {
      faults.add(
          Fault.header(
              "Idempotency-Key",
              "Idempotency-Key: a batch has one key for each task (expected: idempotency_key in each item)"));
    }
    Fields fields = call.fields(faults);
    String ownId = Enqueues.ownId(call.caller());
    String clientId = fields.text("client_id", Client.ID, EnqueueFields.CLIENT_ID_FORM);
    if (ownId != null && clientId != null && !clientId.equals(ownId)) {
      throw new Refusal(Problem.clientMismatch(ownId, clientId));
    }
    String outerId = ownId != null ? ownId : clientId;
    String queue = fields.text("queue", QueueSettings.NAME, EnqueueFields.QUEUE_FORM);
    Map<String, Object> defaults = EnqueueFields.defaults(fields);
    boolean given = fields.has("tasks");
    List<?> items = fields.array("tasks");
    if (!given) {
      fields.missing("tasks", "an array of 1 to " + ITEMS_MAX + " items");
    } else if (items != null && (items.isEmpty() || items.size() > ITEMS_MAX)) {
      fields.fault("tasks", items.size() + " items (expected: 1 to " + ITEMS_MAX + ")");
    }
    fields.done();
    enqueues.checkStanding(call.caller(), outerId);
    faults.raise();
    EnqueueFields.Around around = enqueues.around(call, outerId, queue);
    List<CompletableFuture<Result>> pending = new ArrayList<>();
    for (int i = 0; items != null && i < items.size(); i++) {
      pending.add(enqueue(items.get(i), i, defaults, around, ownId));
    }
    List<Result> results = pending.stream().map(CompletableFuture::join).toList();
    refuseWhole(results);
    boolean anyRejected = results.stream().anyMatch(Result.Rejected.class::isInstance);
    return Answer.json(anyRejected ? HttpStatus.MULTI_STATUS : HttpStatus.OK, json(results));
  }

  private CompletableFuture<Result> enqueue(
      Object item,
      int index,
      Map<String, Object> defaults,
      EnqueueFields.Around around,
      @Nullable String ownId) {
    String pointer = "/tasks/" + index;
    Faults faults = new Faults();
    if (!(item instanceof Map<?, ?>)) {
      faults.add(
          Fault.body(pointer, "tasks." + index + ": " + Shown.of(item) + " (expected: an object)"));
      return CompletableFuture.completedFuture(new Result.Rejected(rejection(faults), false));
    }
    Map<String, Object> members = Fields.asObject(item);
    var named = EnqueueFields.clientId(members);
    if (ownId != null && named.isPresent() && !named.get().equals(ownId)) {
      return CompletableFuture.completedFuture(
          new Result.Rejected(Problem.clientMismatch(ownId, named.get()), false));
    }
    boolean ofCaller = !members.containsKey("client_id");
    Enqueue command =
        EnqueueFields.read(new Fields(EnqueueFields.over(members, defaults), "", faults), around);
    if (command == null) {
      return CompletableFuture.completedFuture(new Result.Rejected(rejection(faults), false));
    }
    return tasks
        .enqueue(command)
        .handle((result, failure) -> result(command, ofCaller, result, failure));
  }

  private Result result(
      Enqueue command,
      boolean ofCaller,
      @Nullable EnqueueResult result,
      @Nullable Throwable failure) {
    return switch (result) {
      case null -> {
        Throwable cause =
            failure instanceof CompletionException && failure.getCause() != null
                ? failure.getCause()
                : failure;
        if (cause instanceof StoreUnavailable) {
          yield new Result.Rejected(Problem.storeUnavailable(), true);
        }
        throw new IllegalStateException("the enqueue failed", cause);
      }
      case Accepted accepted -> {
        enqueues.count(command, accepted);
        yield new Result.Taken(accepted);
      }
      case Refused refused -> {
        boolean standing =
            refused instanceof EnqueueResult.ClientDisabled
                || refused instanceof EnqueueResult.KeyRequired
                || refused instanceof EnqueueResult.ClientUnknown;
        yield new Result.Rejected(enqueues.problem(command, refused), ofCaller && standing);
      }
    };
  }

  /**
   * If no item was accepted, the call fails: with the rejection of its caller, or of an unavailable
   * store, if there is one, else with that of its first item.
   */
  private static void refuseWhole(List<Result> results) {
    List<Result.Rejected> rejected = new ArrayList<>();
    for (Result result : results) {
      switch (result) {
        case Result.Taken _ -> {
          return;
        }
        case Result.Rejected one -> rejected.add(one);
      }
    }
    for (Result.Rejected one : rejected) {
      if (one.ofCaller()) {
        throw new Refusal(one.problem());
      }
    }
    List<Fault> each = new ArrayList<>();
    for (int i = 0; i < rejected.size(); i++) {
      each.add(Fault.body("/tasks/" + i, rejected.get(i).problem().detail()));
    }
    if (!each.isEmpty()) {
      throw new Refusal(rejected.getFirst().problem().ofEach(each));
    }
  }

  /** All errors of an item in one sentence, because an item has no place for a list. */
  private static Problem rejection(Faults faults) {
    String detail = faults.list().stream().map(Fault::detail).collect(Collectors.joining("; "));
    return Problem.malformed(detail);
  }

  private static byte[] json(List<Result> results) {
    long enqueued =
        results.stream()
            .filter(result -> result instanceof Result.Taken taken && taken.made())
            .count();
    long duplicate =
        results.stream()
            .filter(result -> result instanceof Result.Taken taken && !taken.made())
            .count();
    return JsonOut.object(out -> {
      out.number("enqueued", enqueued);
      out.number("duplicate", duplicate);
      out.number("rejected", results.size() - enqueued - duplicate);
      out.array(
          "results",
          items -> {
            for (Result result : results) {
              items.item(item -> {
                switch (result) {
                  case Result.Taken taken -> {
                    item.text("status", taken.made() ? "enqueued" : "duplicate");
                    item.text("task_id", taken.accepted().id().toString());
                    Optional<EnqueueResult.Wait> waits = Enqueues.waits(taken.accepted());
                    if (waits.isPresent()) {
                      item.text("waits", waits.get().word());
                    }
                  }
                  case Result.Rejected(Problem problem, _) -> {
                    item.text("status", "rejected");
                    item.text("code", problem.code());
                    item.text("detail", problem.detail());
                  }
                }
              });
            }
          });
    });
  }
}
