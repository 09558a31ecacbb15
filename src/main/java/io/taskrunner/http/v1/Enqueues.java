package io.taskrunner.http.v1;

import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.RequestHeaders;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.netty.util.AsciiString;
import io.taskrunner.client.Client;
import io.taskrunner.client.Limits;
import io.taskrunner.http.call.Access;
import io.taskrunner.http.call.Answer;
import io.taskrunner.http.call.Call;
import io.taskrunner.http.call.Caller;
import io.taskrunner.http.call.Credentials;
import io.taskrunner.http.call.Faults;
import io.taskrunner.http.call.Fields;
import io.taskrunner.http.call.Missing;
import io.taskrunner.http.call.Problem;
import io.taskrunner.http.call.Refusal;
import io.taskrunner.http.call.Route;
import io.taskrunner.http.call.Shown;
import io.taskrunner.http.call.Times;
import io.taskrunner.store.ClientStore;
import io.taskrunner.store.Enqueue;
import io.taskrunner.store.Enqueue.Proof;
import io.taskrunner.store.EnqueueResult;
import io.taskrunner.store.EnqueueResult.Accepted;
import io.taskrunner.store.EnqueueResult.Quota;
import io.taskrunner.store.EnqueueResult.Refused;
import io.taskrunner.store.TaskStore;
import io.taskrunner.task.TaskId;
import io.taskrunner.telemetry.Meters;
import io.taskrunner.telemetry.Tracing.Place;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** {@code POST /v1/enqueue}. */
public final class Enqueues {

  private static final AsciiString IDEMPOTENCY_KEY = AsciiString.cached("idempotency-key");
  private static final AsciiString TRACEPARENT = AsciiString.cached("traceparent");
  private static final AsciiString TRACESTATE = AsciiString.cached("tracestate");

  /** W3C Trace Context, version 00. */
  private static final Pattern TRACEPARENT_FORM =
      Pattern.compile("00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}");

  private static final int TRACESTATE_MAX = 512;

  private final TaskStore tasks;
  private final ClientStore clients;
  private final Credentials credentials;
  private final Duration retention;
  private final MeterRegistry registry;
  private final Counter rateLimited;
  private final ConcurrentHashMap<String, Counter> enqueued = new ConcurrentHashMap<>();

  /**
   * Over a store.
   *
   * @param retention of tasks that set none
   * @param credentials decide who may copy a task
   */
  public Enqueues(
      TaskStore tasks,
      ClientStore clients,
      Duration retention,
      Credentials credentials,
      MeterRegistry registry) {
    this.tasks = tasks;
    this.clients = clients;
    this.credentials = credentials;
    this.retention = retention;
    this.registry = registry;
    this.rateLimited = Meters.counter(registry, Meters.RATE_LIMIT_REFUSALS);
  }

  /** The routes. */
  public List<Route> routes() {
    Route.Direct enqueue = this::enqueue;
    return List.of(
        new Route(HttpMethod.POST, "/v1/enqueue", Access.ENQUEUE, Route.Body.REQUIRED, enqueue));
  }

  private CompletableFuture<Answer> enqueue(Call call) {
    String ownId = ownId(call.caller());
    Optional<String> named = EnqueueFields.clientId(call.body());
    if (ownId != null && named.isPresent() && !named.get().equals(ownId)) {
      throw new Refusal(Problem.clientMismatch(ownId, named.get()));
    }
    Faults faults = new Faults();
    Fields fields = call.fields(faults);
    if (fields.has(Copy.FIELD)) {
      Optional<TaskId> of = Copy.id(fields);
      if (of.isPresent()) {
        Caller reader = credentials.reads(call.caller());
        return apart("copy", () -> copy(call, of.get(), ownId(reader), named.orElse(ownId)));
      }
    }
    Enqueue command = EnqueueFields.read(fields, around(call, ownId, null));
    return command == null
        ? apart("refusal", () -> refuse(call.caller(), named.orElse(ownId), faults))
        : enqueue(command);
  }

  private CompletableFuture<Answer> enqueue(Enqueue command) {
    return tasks.enqueue(command).thenApply(result -> answer(command, result));
  }

  /** Enqueues what differs from a task. Blocks. */
  private CompletableFuture<Answer> copy(
      Call call, TaskId of, @Nullable String readerId, @Nullable String clientId) {
    Copy copy = Copy.of(of, tasks, readerId);
    Faults faults = new Faults();
    Fields fields = new Fields(copy.fields(call.body(), faults), "", faults);
    Enqueue command = EnqueueFields.read(fields, around(call, ownId(call.caller()), null));
    Enqueue whole = command == null ? null : copy.unmasked(command, faults);
    return whole == null ? refuse(call.caller(), clientId, faults) : enqueue(whole);
  }

  /** The state of a client is reported before errors in its call. Blocks. */
  private CompletableFuture<Answer> refuse(
      Caller caller, @Nullable String clientId, Faults faults) {
    checkStanding(caller, clientId);
    faults.raise();
    throw new IllegalStateException("no command and no error");
  }

  /** What blocks is done on a thread of its own. */
  private static CompletableFuture<Answer> apart(
      String name, Supplier<CompletableFuture<Answer>> blocking) {
    return CompletableFuture.supplyAsync(
            blocking, work -> Thread.ofVirtual().name(name).start(work))
        .thenCompose(answer -> answer);
  }

  /**
   * Rejects a client that may not enqueue in this way. Blocks.
   *
   * @param clientId of the call; null when it names none
   */
  void checkStanding(Caller caller, @Nullable String clientId) {
    if (clientId == null) {
      return;
    }
    switch (clients.standing(clientId)) {
      case DISABLED -> throw new Refusal(Problem.clientDisabled(clientId));
      case KEYED -> {
        if (caller instanceof Caller.Anonymous) {
          throw new Refusal(keyRequired(clientId));
        }
      }
      case OPEN, UNKNOWN -> {}
    }
  }

  private static Problem keyRequired(String clientId) {
    return Problem.unauthenticated("Client " + Shown.of(clientId) + " requires its API key.");
  }

  /** The client of the sent key; null when none was sent. */
  static @Nullable String ownId(Caller caller) {
    return switch (caller) {
      case Caller.Keyed keyed -> keyed.clientId();
      case Caller.Known(Client client, _) -> client.id();
      case Caller.Admin _, Caller.Anonymous _, Caller.Scraper _ -> null;
    };
  }

  /** The parts of a call in addition to the fields of a task. */
  EnqueueFields.Around around(Call call, @Nullable String clientId, @Nullable String queue) {
    RequestHeaders headers = call.headers();
    Proof proof =
        switch (call.caller()) {
          case Caller.Admin _ -> Proof.ADMIN;
          case Caller.Keyed _, Caller.Known _ -> Proof.KEY;
          case Caller.Anonymous _, Caller.Scraper _ -> Proof.OPEN;
        };
    return new EnqueueFields.Around(
        proof, clientId, queue, headers.get(IDEMPOTENCY_KEY), trace(headers), retention);
  }

  /** The caller's place in a trace, if its headers name a valid one. */
  private static @Nullable Place trace(RequestHeaders headers) {
    String traceparent = headers.get(TRACEPARENT);
    if (traceparent == null || !TRACEPARENT_FORM.matcher(traceparent).matches()) {
      return null;
    }
    String tracestate = headers.get(TRACESTATE);
    return new Place(
        traceparent,
        tracestate != null && tracestate.length() <= TRACESTATE_MAX ? tracestate : null);
  }

  /** Whether a call carries an idempotency key in its headers. */
  static boolean hasKeyHeader(Call call) {
    return call.headers().contains(IDEMPOTENCY_KEY);
  }

  private Answer answer(Enqueue command, EnqueueResult result) {
    return switch (result) {
      case Accepted accepted -> {
        count(command, accepted);
        boolean made = accepted instanceof EnqueueResult.Enqueued;
        Quota quota = accepted.quota();
        Answer answer =
            Answer.json(made ? HttpStatus.CREATED : HttpStatus.OK, json(command, accepted, made));
        yield answer.with(
            "x-durability",
            "replicas=" + accepted.replicas(),
            "x-ratelimit-limit",
            Integer.toString(quota.limits().requestsPerMin()),
            "x-ratelimit-remaining",
            Integer.toString(quota.remaining()),
            "x-ratelimit-reset",
            Long.toString(resetSeconds(quota.fullAgain())));
      }
      case Refused refused -> throw new Refusal(problem(command, refused));
    };
  }

  /** Counts the accepted tasks, once. */
  void count(Enqueue command, Accepted accepted) {
    if (accepted instanceof EnqueueResult.Enqueued) {
      counter(command.queue()).increment();
    }
  }

  private Counter counter(String queue) {
    Counter counter = enqueued.get(queue);
    if (counter == null) {
      String label = enqueued.size() < Meters.QUEUE_LABELS_MAX ? queue : Meters.OTHER;
      counter =
          enqueued.computeIfAbsent(
              label, name -> Meters.counter(registry, Meters.TASKS_ENQUEUED, "queue", name));
    }
    return counter;
  }

  /** The problem of a rejected enqueue: the one table. */
  Problem problem(Enqueue command, Refused refused) {
    return switch (refused) {
      case EnqueueResult.RateLimited(Quota quota, Duration retryAfter) -> {
        rateLimited.increment();
        Problem problem =
            Problem.rateLimited(command.clientId(), quota.limits().requestsPerMin(), retryAfter);
        yield problem
            .withHeader("x-ratelimit-limit", Integer.toString(quota.limits().requestsPerMin()))
            .withHeader("x-ratelimit-remaining", Integer.toString(quota.remaining()))
            .withHeader("x-ratelimit-reset", Long.toString(resetSeconds(quota.fullAgain())));
      }
      case EnqueueResult.BacklogFull(long most, long there, boolean bytes) ->
          Problem.backlogFull(
              command.clientId(), most, there, bytes, command.spec().request().body().length);
      case EnqueueResult.KeyReused _ ->
          Problem.keyReused(command.idempotency() == null ? null : command.idempotency().key());
      case EnqueueResult.QueueNotFound _ -> Missing.queue(command.queue());
      case EnqueueResult.QueueNotAllowed _ ->
          Problem.queueNotAllowed(command.clientId(), command.queue());
      case EnqueueResult.ClientDisabled _ -> Problem.clientDisabled(command.clientId());
      case EnqueueResult.KeyRequired _ -> keyRequired(command.clientId());
      case EnqueueResult.ClientUnknown _ when command.proof() == Proof.ADMIN ->
          Missing.client(command.clientId());
      case EnqueueResult.ClientUnknown _ -> Problem.unauthenticated(Credentials.KEY_NEEDED);
      case EnqueueResult.TooManyClients _ -> Problem.tooManyClients(command.clientId());
      case EnqueueResult.StoreFull _ -> Problem.storeFull();
    };
  }

  /** What keeps a new task from starting. */
  static Optional<EnqueueResult.Wait> waits(Accepted accepted) {
    return accepted instanceof EnqueueResult.Enqueued enqueued
        ? enqueued.waits()
        : Optional.empty();
  }

  private static long resetSeconds(Instant fullAgain) {
    return Math.floorDiv(fullAgain.toEpochMilli() + 999, 1000L);
  }

  /** Written by hand: this is the most frequent answer, and nothing in it needs escaping. */
  private static byte[] json(Enqueue command, Accepted accepted, boolean made) {
    Limits limits = accepted.quota().limits();
    StringBuilder json = new StringBuilder(256);
    json.append(
            made
                ? "{\"status\":\"enqueued\",\"task_id\":\""
                : "{\"status\":\"duplicate\",\"task_id\":\"")
        .append(accepted.id())
        .append("\",\"queue\":\"")
        .append(command.queue())
        .append("\",\"client_id\":\"")
        .append(command.clientId())
        .append("\",\"scheduled_time\":\"");
    Times.append(json, accepted.scheduled());
    json.append("\",\"rate_limit\":{\"max_concurrent\":")
        .append(limits.maxConcurrent())
        .append(",\"requests_per_min\":")
        .append(limits.requestsPerMin())
        .append('}');
    waits(accepted).ifPresent(wait -> json.append(",\"waits\":\"").append(wait.word()).append('"'));
    json.append('}');
    return json.toString().getBytes(StandardCharsets.ISO_8859_1);
  }
}
