package io.taskrunner.http;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.lettuce.core.api.sync.RedisCommands;
import io.taskrunner.http.Contract.Operation;
import io.taskrunner.http.Served.Reply;
import io.taskrunner.http.Served.Setup;
import io.taskrunner.store.Expected;
import io.taskrunner.store.OperationStore;
import io.taskrunner.store.QueueSettings;
import io.taskrunner.store.TargetHost;
import io.taskrunner.store.redis.RedisStore;
import io.taskrunner.store.redis.StoreOptions;
import io.taskrunner.testkit.RedisExtension;
import io.taskrunner.testkit.RedisServer;
import io.taskrunner.testkit.Unconditional;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Every error that openapi.json lists for an operation is triggered, on a real Redis. A new one
 * needs a way to be triggered here, unless its code already has one that fits.
 */
class RefusalsTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  /** Codes about the store, which have a test of their own. */
  private static final Set<String> OF_THE_STORE = Set.of("store_unavailable", "not_ready");

  private static final String[] ADMIN = {"X-Admin-Key", Served.ADMIN};

  /** A name in quotes. */
  private static final Pattern NAMED = Pattern.compile("\"[^\"]+\"");

  /** Of a session, which only the call that ends it reads without the header X-Dashboard. */
  private static final String COOKIE = "task-runner-0=" + "x".repeat(43);

  private static final String NO_ID = "00000000-0000-7000-8000-000000000000";

  private final Contract contract = Contract.OF_THIS_BUILD;
  private RedisStore store;
  private RedisStore closedStore;
  private Served served;
  private Served closed;
  private Served unconfigured;

  @BeforeEach
  void start() {
    store = RedisStore.open(options(true));
    closedStore = RedisStore.open(options(false));
    served = new Served(Setup.serve(), store);
    closed = new Served(Setup.serve().required(), closedStore);
    unconfigured = new Served(Setup.serve().withoutAdminKey(), store);
  }

  /** At most one auto-registered client may exist. */
  private static StoreOptions options(boolean openClients) {
    return new StoreOptions(
        REDIS.settings(),
        openClients,
        1,
        Duration.ofHours(1),
        StoreOptions.defaults(REDIS.settings()).breaker(),
        InstantSource.system(),
        Optional.empty());
  }

  @AfterEach
  void stop() {
    unconfigured.close();
    closed.close();
    served.close();
    closedStore.close();
    store.close();
  }

  @Test
  void everyErrorOfEveryOperationIsTriggered() {
    Scene scene = new Scene();
    List<String> faults = new ArrayList<>();
    for (Operation operation : contract.operations()) {
      for (String refusal : operation.refusals()) {
        String code = refusal.substring(4);
        if (!OF_THE_STORE.contains(code)) {
          check(operation, refusal, () -> scene.provoke(operation, code), faults);
        }
      }
    }
    assertEquals("", String.join("\n", faults));
  }

  @Test
  void everyCallThatNeedsTheStoreReportsItsOutage() throws IOException {
    Queue<String> faults = new ConcurrentLinkedQueue<>();
    try (RedisServer redis = RedisServer.start();
        RedisStore away =
            RedisStore.open(
                StoreOptions.defaults(RedisServer.settings(redis.port(), Duration.ofSeconds(1))));
        Served local = new Served(Setup.local(), away)) {
      redis.freeze();
      try (ExecutorService calls = Executors.newVirtualThreadPerTaskExecutor()) {
        for (Operation operation : contract.operations()) {
          for (String refusal : operation.refusals()) {
            if (OF_THE_STORE.contains(refusal.substring(4))) {
              calls.execute(() -> {
                List<String> own = new ArrayList<>();
                check(operation, refusal, () -> call(local, operation, "Cookie", COOKIE), own);
                faults.addAll(own);
              });
            }
          }
        }
      } finally {
        redis.thaw();
      }
    }
    assertEquals("", String.join("\n", faults));
  }

  @Test
  void theErrorsOfAnyCallAreTriggered() {
    FakeStores stores = new FakeStores();
    stores.onEnqueue =
        _ -> {
          throw new IllegalStateException("a bug");
        };
    Set<String> told = new TreeSet<>();
    try (Served local = new Served(Setup.local(), stores)) {
      List<Reply> replies =
          List.of(
              local.get("/version", "Host", "elsewhere.example"),
              local.get("/nowhere"),
              local.call("PATCH", "/version", "{}"),
              local.get("/" + "x".repeat(17_000)),
              local.get("/version", "Expect", "a-miracle"),
              local.get("/version", "X-Long", "x".repeat(17_000)),
              local.post(
                  "/v1/enqueue", "{\"client_id\":\"abc\",\"task\":{\"url\":\"http://h/\"}}"));
      replies.forEach(reply -> told.add(reply.code()));
    }
    try (Served keyed = new Served(Setup.serve(), stores)) {
      List<Reply> replies =
          List.of(
              keyed.get("/nowhere", "X-Admin-Key", "wrong"),
              keyed.get("/v1/queues", "Authorization", "Bearer " + Served.METRICS),
              keyed.post("/nowhere", "{}", "Origin", "https://elsewhere.example"));
      replies.forEach(reply -> told.add(reply.code()));
    }
    told.add("request_timeout"); // takes 30 s; covered by LimitsTest
    assertEquals(Contract.words(contract.document().at("/components/responses/AnyCall")), told);
  }

  private static void check(
      Operation operation, String refusal, Supplier<Reply> provocation, List<String> faults) {
    try {
      Reply reply = provocation.get();
      String came = reply.status() + (reply.status() < 400 ? "" : " " + reply.code());
      if (!came.equals(refusal)) {
        faults.add(operation + ": " + refusal + " did not come, but " + came + " " + reply.body());
      }
      String detail = reply.status() < 400 ? "" : reply.json().path("detail").asText();
      if (reply.status() == 404 && !NAMED.matcher(detail).find()) {
        faults.add(operation + ": does not name what is missing: " + detail);
      }
    } catch (AssertionError fault) {
      faults.add(operation + ": " + refusal + ": " + fault.getMessage());
    }
  }

  private static void end(OperationStore.Run run) {
    while (!(run.step(100) instanceof OperationStore.Step.Over)) {}
  }

  private static Reply call(Served server, Operation operation, String... headers) {
    return server.call(
        operation.method(), operation.path(), operation.body("application/json"), headers);
  }

  /** The rejections of an item, which are those of a batch when all items are rejected. */
  private static final Set<String> OF_ITEMS =
      Set.of(
          "queue_not_allowed",
          "queue_not_found",
          "idempotency_key_reused",
          "backlog_full",
          "rate_limited",
          "store_full",
          "too_many_clients");

  /** The state in which calls are rejected. */
  private final class Scene {
    private final String keyOfAll = key("my-service", "{}");
    private final String keyToEnqueue = key("my-service", "{\"scopes\":[\"enqueue\"]}");
    private final String keyToRead = key("my-service", "{\"scopes\":[\"read\"]}");
    private final String keyOfOther = key("other", "{}");
    private final String keyOfDisabled = key("off", "{}");
    private final String keyOfLow = key("low-only", "{}");
    private final String keyOfReader =
        done("POST", "/admin/keys", "{\"name\":\"reader\",\"read_only\":true}")
            .json()
            .path("key")
            .asText();
    private final String finished;
    private final String ready;
    private final String over;
    private boolean inBatch;

    Scene() {
      done("PUT", "/admin/tiers/gold", "{\"max_concurrent\":1,\"requests_per_min\":10}");
      done("PUT", "/admin/hosts/payments.example.com", "{\"max_concurrent\":1}");
      done("PUT", "/v1/queues/mail", "{}");
      done("PUT", "/v1/queues/gone", "{}");
      for (String each :
          List.of(
              "my-service default nightly",
              "off default off",
              "low-only default kept",
              "my-service gone gone",
              "stranger default strange")) {
        String[] words = each.split(" ");
        done("PUT", "/v1/schedules/" + words[2], schedule(words[0], words[1]));
      }
      done("DELETE", "/v1/queues/gone", null);
      client("{\"client_id\":\"off\",\"enabled\":false}");
      client("{\"client_id\":\"low-only\",\"allowed_queues\":[\"low\"]}");
      client("{\"client_id\":\"golden\",\"tier\":\"gold\"}");
      ready = enqueued("");
      finished = enqueued(",\"delay\":60");
      done("DELETE", "/v1/tasks/" + finished, null);
      over =
          done("POST", "/v1/operations", "{\"action\":\"run\",\"filter\":{\"queue\":\"low\"}}")
              .json()
              .path("operation_id")
              .asText();
      store
          .operations()
          .lease("00000000000000aa", Duration.ofSeconds(30), List.of())
          .forEach(RefusalsTest::end);
    }

    Reply provoke(Operation operation, String code) {
      if (operation.id().equals("enqueueBatch") && OF_ITEMS.contains(code)) {
        inBatch = true;
        try {
          return provoke(operation, code, "enqueue " + code);
        } finally {
          inBatch = false;
        }
      }
      if (operation.id().equals("enqueue") && code.equals("task_not_found")) {
        return enqueue("\"copy_of\":\"" + NO_ID + "\"");
      }
      return switch (code) {
        case "unauthenticated" -> as("X-API-Key", "tr_" + "A".repeat(43), operation);
        case "forbidden" ->
            operation.id().equals("getSeries") // a client may see that of a queue
                ? served.get("/v1/series", "X-API-Key", keyOfAll)
                : as("X-API-Key", keyOfAll, operation);
        case "scope_missing" ->
            as(
                "X-API-Key",
                operation.id().startsWith("enqueue") ? keyToRead : keyToEnqueue,
                operation);
        case "read_only" ->
            operation.id().equals("beginOperation") // a dry run is permitted
                ? begin("\"queue\":\"low\"", "X-Admin-Key", keyOfReader)
                : as("X-Admin-Key", keyOfReader, operation);
        case "admin_key_not_configured" -> call(unconfigured, operation);
        case "cross_origin" -> as("Origin", "https://elsewhere.example", operation);
        case "payload_too_large" -> sent(operation, "", "Content-Length", "99999999");
        case "unsupported_media_type" -> sent(operation, "x", "Content-Type", "text/plain");
        case "precondition_failed" ->
            sent(operation, operation.body("application/json"), "If-Match", "\"another\"");
        case "invalid_request" -> invalid(operation);
        case "task_not_found", "operation_not_found" -> at(operation, "{id}", NO_ID);
        case "session_not_found" -> at(operation, "3f6c1e2ab09d4478", "0123456789abcdef");
        case "schedule_not_found", "tier_not_found" -> at(operation, "{name}", "nowhere");
        case "host_not_found", "breaker_not_found" -> at(operation, "{host}", "nowhere");
        default -> provoke(operation, code, operation.id() + " " + code);
      };
    }

    private Reply provoke(Operation operation, String code, String both) {
      return switch (both) {
        case "enqueue queue_not_found" -> enqueue("\"queue\":\"nowhere\"");
        case "listTasks queue_not_found" -> served.get("/v1/tasks?queue=nowhere", ADMIN);
        case "countTasks queue_not_found" -> served.get("/v1/tasks/count?queue=nowhere", ADMIN);
        case "countTasks client_mismatch" ->
            served.get("/v1/tasks/count?client_id=my-service", "X-API-Key", keyOfOther);
        case "beginOperation queue_not_found" -> begin("\"queue\":\"nowhere\"", ADMIN);
        case "runSchedule queue_not_found" -> run("gone");
        case "enqueue queue_not_allowed" ->
            send("{\"task\":{\"url\":\"http://h/\"}}", "X-API-Key", keyOfLow);
        case "beginOperation queue_not_allowed" ->
            served.post(
                "/v1/operations",
                "{\"action\":\"move\",\"to_queue\":\"mail\",\"filter\":{\"queue\":\"low\"}}",
                "X-API-Key",
                keyOfLow);
        case "getQueue queue_not_allowed", "getSeries queue_not_allowed" ->
            as("X-API-Key", keyOfLow, operation);
        case "getSeries queue_not_found" -> at(operation, "queue=mail", "queue=nowhere");
        case "runSchedule queue_not_allowed" -> run("kept");
        case "runSchedule client_disabled" -> run("off");
        case "runSchedule client_not_found" ->
            closed.post("/v1/schedules/strange/run", null, ADMIN);
        case "putSchedule client_not_found" ->
            closed.call("PUT", "/v1/schedules/s", schedule("nobody", "default"), ADMIN);
        case "putSchedule queue_not_found" ->
            served.call("PUT", "/v1/schedules/s", schedule("my-service", "nowhere"), ADMIN);
        case "enqueue client_disabled" ->
            served.post(
                "/v1/enqueue", "{\"task\":{\"url\":\"http://h/\"}}", "X-API-Key", keyOfDisabled);
        case "listTasks client_mismatch" ->
            served.get("/v1/tasks?client_id=my-service", "X-API-Key", keyOfOther);
        case "beginOperation client_mismatch" ->
            begin("\"queue\":\"low\",\"client_id\":\"my-service\"", "X-API-Key", keyOfOther);
        case "getClient client_not_found", "deleteClient client_not_found" ->
            at(operation, "my-service", "nobody");
        case "revokeKey key_not_found" -> at(operation, "{key_id}", NO_ID);
        case "revokeAdminKey key_not_found" -> at(operation, "{name}", "nobody");
        case "getSigningSecret signing_secret_not_found",
            "deleteSigningSecret signing_secret_not_found" ->
            at(operation, "{id}", "other");
        case "cancelTask already_finished" -> at(operation, "{id}", finished);
        case "stopOperation already_finished" -> at(operation, "{id}", over);
        case "runTask not_runnable", "retryTask not_dead" -> at(operation, "{id}", ready);
        case "deleteQueue built_in" -> at(operation, "{name}", "low");
        case "deleteTier built_in" -> at(operation, "{name}", "free");
        case "deleteQueue queue_not_empty", "deleteTier tier_in_use" ->
            call(served, operation, ADMIN);
        case "enqueue idempotency_key_reused" -> {
          served.post("/v1/enqueue", task("\"idempotency_key\":\"k\""), ADMIN);
          yield enqueue("\"idempotency_key\":\"k\",\"delay\":1");
        }
        case "enqueue rate_limited" -> {
          client("{\"client_id\":\"my-service\",\"rate_limit\":{\"requests_per_min\":1}}");
          Reply reply = enqueue("\"delay\":60");
          client("{\"client_id\":\"my-service\",\"rate_limit\":null}");
          yield reply;
        }
        case "enqueue backlog_full" -> {
          client("{\"client_id\":\"my-service\",\"max_waiting\":1}");
          Reply reply = enqueue("\"delay\":60");
          client("{\"client_id\":\"my-service\",\"max_waiting\":null}");
          yield reply;
        }
        case "enqueue too_many_clients" -> {
          done("POST", "/v1/enqueue", task("\"delay\":60").replace("my-service", "first"));
          yield send(task("\"delay\":60").replace("my-service", inBatch ? "third" : "second"));
        }
        case "enqueue store_full" -> whileFull(() -> enqueue("\"delay\":60"));
        case "runSchedule store_full" -> whileFull(() -> run("nightly"));
        case "beginOperation too_many_operations" -> {
          for (int i = 0; i < OperationStore.OWN_MAX; i++) {
            begin("\"queue\":\"low\"", "X-API-Key", keyOfOther);
          }
          yield begin("\"queue\":\"low\"", "X-API-Key", keyOfOther);
        }
        case "putHost too_many_hosts" -> {
          for (int i = 0; i < TargetHost.MOST; i++) {
            Unconditional.put(store.hosts(), new TargetHost("h" + i, 1, null, 0));
          }
          Reply reply = at(operation, "{host}", "one-more");
          for (int i = 0; i < TargetHost.MOST; i++) {
            Unconditional.delete(store.hosts(), "h" + i);
          }
          yield reply;
        }
        case "addAdminKey too_many_keys" -> {
          for (int i = 0; i < 100; i++) {
            store.adminKeys().put("k" + i, "digest" + i, false, false, Duration.ZERO);
          }
          yield call(served, operation, ADMIN);
        }
        case "addAdminKey key_exists" -> {
          done("POST", "/admin/keys", "{\"name\":\"deploys\",\"replace\":true}");
          Reply reply = call(served, operation, ADMIN);
          done("DELETE", "/admin/keys/deploys", null);
          yield reply;
        }
        case "putSigningSecret too_many_signing_secrets" -> {
          Reply reply;
          do {
            reply = call(served, operation, ADMIN);
          } while (reply.status() < 300);
          yield reply;
        }
        case "applyConfig not_pruned" -> notPruned();
        default -> otherwise(operation, code, both);
      };
    }

    /** A queue that gets a task between its check and its deletion. */
    private Reply notPruned() {
      FakeStores stores = new FakeStores();
      stores.put("crowded", QueueSettings.defaults(1), new Expected.Any());
      stores.filling = true;
      try (Served fake = new Served(Setup.local(), stores)) {
        return fake.post("/admin/config?prune=true", "{\"queues\":{}}");
      }
    }

    private Reply otherwise(Operation operation, String code, String both) {
      return switch (code) {
        case "client_disabled" -> as("X-API-Key", keyOfDisabled, operation);
        case "client_mismatch" -> as("X-API-Key", keyOfOther, operation);
        case "queue_not_found" -> at(operation, "{name}", "nowhere");
        case "client_not_found" -> at(operation, "{id}", "nobody");
        default -> throw new AssertionError("give RefusalsTest a way to provoke \"" + both + "\"");
      };
    }

    /** An invalid call: an unknown field in the body, or else an invalid parameter or header. */
    private Reply invalid(Operation operation) {
      if (operation.body("application/json") != null) {
        return sent(operation, "{\"no_such_field\":1}");
      }
      return operation
          .node()
          .path("parameters")
          .valueStream()
          .filter(each -> each.path("in").asText().equals("query"))
          .findFirst()
          .map(each -> {
            String twice = "%1$s=a&%1$s=b".formatted(each.path("name").asText());
            String path = operation.path().replaceFirst("[?].*", "");
            return served.call(operation.method(), path + "?" + twice, null, ADMIN);
          })
          .orElseGet(() -> sent(operation, null, "If-Match", "no tag"));
    }

    private Reply as(String header, String value, Operation operation) {
      return call(served, operation, header, value);
    }

    private Reply sent(Operation operation, String body, String... headers) {
      List<String> all = new ArrayList<>(List.of(ADMIN));
      all.addAll(List.of(headers));
      return served.call(operation.method(), operation.path(), body, all.toArray(String[]::new));
    }

    /** With another value in place of the operation's own example. */
    private Reply at(Operation operation, String place, String other) {
      String path =
          place.startsWith("{")
              ? operation.path(place.substring(1, place.length() - 1), other)
              : operation.path().replace(place, other);
      return served.call(operation.method(), path, operation.body("application/json"), ADMIN);
    }

    private Reply run(String schedule) {
      return served.post("/v1/schedules/" + schedule + "/run", null, ADMIN);
    }

    private Reply begin(String filter, String... headers) {
      return served.post(
          "/v1/operations", "{\"action\":\"run\",\"filter\":{" + filter + "}}", headers);
    }

    private Reply enqueue(String more) {
      return send(task(more), ADMIN);
    }

    /** Enqueues a task, alone or as the only one of a batch. */
    private Reply send(String task, String... headers) {
      return inBatch
          ? served.post("/v1/enqueue/batch", "{\"tasks\":[" + task + "]}", headers)
          : served.post("/v1/enqueue", task, headers);
    }

    private static String task(String more) {
      return "{\"client_id\":\"my-service\",\"task\":{\"url\":\"http://h/\"}," + more + "}";
    }

    private static String schedule(String client, String queue) {
      return "{\"client_id\":\"%s\",\"queue\":\"%s\",\"interval_sec\":3600,\"task\":{\"url\":\"http://h/\"}}"
          .formatted(client, queue);
    }

    private Reply whileFull(Supplier<Reply> call) {
      RedisCommands<String, String> redis = REDIS.redis().sync();
      redis.configSet("maxmemory", "1");
      try {
        return call.get();
      } finally {
        redis.configSet("maxmemory", "0");
      }
    }

    private Reply done(String method, String path, String body) {
      Reply reply = served.call(method, path, body, ADMIN);
      if (reply.status() >= 300) {
        throw new AssertionError(method + " " + path + ": " + reply.body());
      }
      return reply;
    }

    private void client(String settings) {
      done("POST", "/admin/clients/set", settings);
    }

    private String key(String client, String settings) {
      client("{\"client_id\":\"" + client + "\"}");
      return done("POST", "/admin/clients/" + client + "/keys", settings)
          .json()
          .path("key")
          .asText();
    }

    private String enqueued(String more) {
      return done(
              "POST",
              "/v1/enqueue",
              "{\"client_id\":\"my-service\",\"queue\":\"mail\",\"task\":{\"url\":\"http://h/\"}"
                  + more
                  + "}")
          .json()
          .path("task_id")
          .asText();
    }
  }
}
