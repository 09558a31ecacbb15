package io.taskrunner.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.taskrunner.http.Contract.Operation;
import io.taskrunner.http.Served.Reply;
import io.taskrunner.http.Served.Setup;
import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.WorkStore.ClaimRequest;
import io.taskrunner.store.WorkStore.Settlement;
import io.taskrunner.store.WorkersStore;
import io.taskrunner.store.redis.RedisStore;
import io.taskrunner.store.redis.StoreOptions;
import io.taskrunner.task.Attempt;
import io.taskrunner.task.AttemptError;
import io.taskrunner.task.Verdict;
import io.taskrunner.testkit.RedisExtension;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Every example of openapi.json is sent to a real server on a real Redis, and the answer is the one
 * in the document: the status, the members, and their values.
 *
 * <p>The examples form one story. An id in it represents the id that the server creates in its
 * place: the same for the same throughout, in paths and bodies too. A time represents a time, a key
 * a key. Apart from that, only the members in {@link #VARIES} may differ.
 */
class ExamplesTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final String JSON_TYPE = "application/json";
  private static final String YAML_TYPE = "application/yaml";

  /** Members that vary, or the paths of some: secrets, keys, durations, the server's address. */
  private static final Set<String> VARIES =
      Set.of(
          "key",
          "secret",
          "public_key",
          "request_id",
          "latency_ms",
          "oldest_ready_age_sec",
          "/last_minute/enqueued",
          "/last_minute/failed",
          "/last_minute/died",
          "/last_minute/lag_p50_sec",
          "/last_minute/lag_p95_sec",
          "issuer",
          "jwks_uri",
          "n");

  /** Of tasks, operations, keys and sessions; and the admin key that a session begins with. */
  private static final Pattern ID =
      Pattern.compile(
          "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{20}|[0-9a-f]{16}|tra_[\\w-]{43}");

  private static final Pattern TIME =
      Pattern.compile("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d([.]\\d+)?Z");

  private static final String PEM = "-----BEGIN PUBLIC KEY-----\n";

  /** The dead task of the story, which no call of it creates. */
  private static final String DEAD = "019a8f6c-2b1d-7000-8a3e-5f2c9d41c000";

  private final Contract contract = Contract.OF_THIS_BUILD;
  private final Map<String, String> real = new HashMap<>();
  private final Map<String, String> shown = new HashMap<>();
  private RedisStore store;
  private Served served;

  /**
   * A call of the story.
   *
   * @param status of its answer
   * @param type of its body, or else of its answer
   */
  private record Step(String operation, int status, String type) {

    /** As in {@code putQueue 201}, with the media type after it where that is not JSON. */
    static Step of(String words) {
      String[] parts = words.strip().split(" ");
      return new Step(
          parts[0], Integer.parseInt(parts[1]), parts.length > 2 ? parts[2] : JSON_TYPE);
    }
  }

  /** Each call finds the things that earlier calls created. */
  private static final String STORY =
      """
      putTier 200
      getTier 200
      listTiers 200
      putHost 200
      getHost 200
      listHosts 200
      setClient 200
      putClient 200
      getClient 200
      listClients 200
      putQueue 201
      putQueue 200
      getQueue 200
      pauseQueue 200
      resumeQueue 200
      exportConfig 200
      exportConfig 200 application/yaml
      applyConfig 200
      applyConfig 200 application/yaml
      summarizeDead 200
      listBreakers 200
      closeBreaker 204
      retryTask 200
      replayDead 200
      purgeQueue 200
      dropDead 204
      listQueues 200
      enqueue 201
      enqueue 200
      getTask 200
      whyTaskWaits 200
      listTasks 200
      countTasks 200
      runTask 200
      cancelTask 204
      enqueueBatch 200
      enqueueBatch 207
      beginOperation 202
      getOperation 200
      listOperations 200
      stopOperation 204
      putSchedule 201
      putSchedule 200
      getSchedule 200
      listSchedules 200
      previewSchedule 200
      runSchedule 200
      pauseSchedule 200
      resumeSchedule 200
      deleteSchedule 204
      addKey 201
      listKeys 200
      revokeKey 204
      addAdminKey 201
      listAdminKeys 200
      getSession 200
      beginSession 201
      listSessions 200
      endOtherSession 204
      endSession 204
      revokeAdminKey 204
      putSigningSecret 201
      putSigningSecret 200
      getSigningSecret 200
      deleteSigningSecret 204
      listAudit 200
      pauseDispatch 200
      getDispatch 200
      resumeDispatch 200
      listWorkers 200
      getStats 200
      getOverview 200
      getSeries 200
      listFailures 200
      summarizeAllDead 200
      live 200
      ready 200
      health 200
      healthDetail 200
      version 200
      metrics 200 text/plain
      openapi 200
      docs 200 text/html
      home 200 text/html
      dashboardPage 200 text/html
      dashboardIcon 200 image/svg+xml
      dashboardFile 200 text/javascript
      issuer 200
      signingKeys 200
      signingKeysAsPem 200
      deleteHost 204
      deleteQueue 204
      deleteClient 204
      deleteTier 204
      """;

  @BeforeEach
  void start() {
    store = RedisStore.open(StoreOptions.defaults(REDIS.settings()));
    served = new Served(Setup.local(), store);
  }

  @AfterEach
  void stop() {
    served.close();
    store.close();
  }

  @Test
  void everyExampleIsAnsweredAsDocumented() {
    List<String> faults = new ArrayList<>();
    for (Step step : STORY.lines().map(Step::of).toList()) {
      Operation operation = contract.operation(step.operation());
      if (step.operation().equals("summarizeDead")) {
        die();
      } else if (step.operation().equals("listBreakers")) {
        awaitProbes();
      } else if (step.operation().equals("listWorkers")) {
        beat();
      } else if (step.operation().equals("getOverview")) {
        awaitFailures();
      }
      boolean rejectsLow = step.status() == 207;
      if (rejectsLow) {
        allow("[\"default\"]");
      }
      try {
        play(operation, step);
        if (rejectsLow) {
          allow("null");
        }
      } catch (AssertionError fault) {
        faults.add(operation + " (" + operation.id() + "): " + fault.getMessage());
      }
    }
    assertTrue(faults.isEmpty(), () -> String.join("\n", faults));
  }

  /** A new operation, or status of one, is a new step: at a place where its preconditions hold. */
  @Test
  void everySuccessOfEveryOperationIsCovered() {
    Set<String> told = new TreeSet<>();
    for (Step step : STORY.lines().map(Step::of).toList()) {
      told.add(step.operation() + " " + step.status() + suffix(step.type()));
    }
    Set<String> documented = new TreeSet<>();
    for (Operation operation : contract.operations()) {
      operation
          .node()
          .path("responses")
          .propertyStream()
          .filter(each -> each.getKey().startsWith("2"))
          .forEach(each -> {
            String step = operation.id() + " " + each.getKey();
            JsonNode content = each.getValue().path("content");
            if (content.isEmpty()) {
              documented.add(step);
            }
            content.fieldNames().forEachRemaining(type -> documented.add(step + suffix(type)));
            operation
                .node()
                .at("/requestBody/content")
                .fieldNames()
                .forEachRemaining(type -> documented.add(step + suffix(type)));
          });
    }
    Set<String> missing = new TreeSet<>(documented);
    missing.removeAll(told);
    assertEquals(Set.of(), missing, "give these a line in STORY, and an example in openapi.json");
    told.removeAll(documented);
    assertEquals(Set.of(), told, "openapi.json knows these no longer");
  }

  private static String suffix(String type) {
    return type.equals(JSON_TYPE) ? "" : " " + type;
  }

  @Test
  void everyExampleMatchesItsSchema() {
    List<String> faults = new ArrayList<>();
    for (Operation operation : contract.operations()) {
      examples(operation, faults, "requestBody");
      operation
          .node()
          .path("responses")
          .fieldNames()
          .forEachRemaining(status -> examples(operation, faults, "responses", status));
    }
    ofSchemas("/components", contract.document().path("components"), faults);
    assertEquals(List.of(), faults);
  }

  private void ofSchemas(String pointer, JsonNode node, List<String> faults) {
    for (JsonNode example : node.path("examples")) {
      contract.faults(pointer, example).forEach(fault -> faults.add(pointer + fault));
    }
    node.propertyStream()
        .forEach(each -> ofSchemas(pointer + "/" + each.getKey(), each.getValue(), faults));
  }

  private void examples(Operation operation, List<String> faults, String... where) {
    JsonNode content =
        where.length == 1
            ? operation.node().path(where[0])
            : operation.node().path(where[0]).path(where[1]);
    content
        .path("content")
        .propertyStream()
        .filter(each -> each.getValue().has("example"))
        .forEach(each -> {
          List<String> path = new ArrayList<>(List.of(where));
          path.addAll(List.of("content", each.getKey(), "schema"));
          if (each.getKey().equals(YAML_TYPE)) {
            path.add("contentSchema");
          }
          JsonNode example = each.getValue().path("example");
          contract
              .faults(
                  operation.pointer(path.toArray(String[]::new)),
                  each.getKey().equals(YAML_TYPE) ? yaml(example.asText()) : example)
              .forEach(fault -> faults.add(operation + " " + path + fault));
        });
  }

  private void play(Operation operation, Step step) {
    boolean said = operation.node().at("/requestBody/content").has(step.type());
    String type = said ? step.type() : JSON_TYPE;
    String body = operation.body(type);
    Reply reply =
        served.call(
            operation.method(),
            inReality(operation.path()),
            body == null ? null : inReality(body),
            "Content-Type",
            type,
            "Accept",
            step.operation().equals("home") ? "*/*" : step.type()); // browsers get the dashboard
    assertEquals(step.status(), reply.status(), reply.body());
    JsonNode content = operation.node().path("responses").path("" + step.status()).path("content");
    String got = content.has(step.type()) ? step.type() : JSON_TYPE;
    if (!content.isEmpty()) {
      JsonNode example = content.path(got).path("example");
      assertTrue(
          !example.isMissingNode(),
          () -> "its " + step.status() + " has no example; the answer was " + brief(reply));
      compare(example, got, content.path(got).path("schema"), reply);
    }
  }

  private void compare(JsonNode example, String type, JsonNode schema, Reply reply) {
    if (type.equals(JSON_TYPE)) {
      boolean open = schema.path("additionalProperties").asBoolean();
      same("", example, reply.json(), open, reply);
    } else if (type.equals(YAML_TYPE)) {
      same("", yaml(example.asText()), yaml(reply.body()), false, reply);
    } else {
      Set<String> lines = reply.body().lines().collect(Collectors.toSet());
      example
          .asText()
          .lines()
          .forEach(line -> assertTrue(lines.contains(line), "the answer lacks the line " + line));
    }
  }

  private void same(String at, JsonNode example, JsonNode answer, boolean open, Reply reply) {
    String whole = at + " is not as in the example; the answer was " + brief(reply);
    assertEquals(example.getNodeType(), answer.getNodeType(), whole);
    if (at.endsWith("/changed_fields")) {
      return; // the example of the YAML document changes other fields than that of the JSON one
    }
    if (example.isObject()) {
      Map<String, JsonNode> members = members(example);
      Map<String, JsonNode> others = members(answer);
      if (open) {
        others.keySet().retainAll(members.keySet());
      }
      // An answer contains the id with which the thing was named.
      assertEquals(members.keySet().size(), others.keySet().size(), whole);
      members.forEach((name, value) -> {
        String place = at + "/" + name;
        String known = real.getOrDefault(name, name);
        assertTrue(others.containsKey(known), () -> place + " is missing: " + brief(reply));
        boolean varies = VARIES.contains(name) || VARIES.contains(place);
        if (name.equals("ended_per_minute") || name.equals("series")) {
          assertEquals(value.getNodeType(), others.get(known).getNodeType(), place);
        } else if (!varies || value.isContainerNode() || value.isNull()) {
          same(place, value, others.get(known), open, reply);
        } else {
          assertEquals(value.getNodeType(), others.get(known).getNodeType(), place);
          real.put(value.asText(), others.get(known).asText());
        }
      });
    } else if (example.isArray()) {
      assertEquals(example.size(), answer.size(), whole);
      Iterator<JsonNode> answers = answer.iterator();
      int i = 0;
      for (JsonNode each : example) {
        same(at + "/" + i++, each, answers.next(), open, reply);
      }
    } else if (example.isTextual() && ID.matcher(example.asText()).matches()) {
      stands(example.asText(), answer.asText(), whole);
    } else if (example.isTextual() && example.asText().startsWith(PEM)) {
      assertTrue(answer.asText().startsWith(PEM), whole);
    } else if (example.isTextual() && TIME.matcher(example.asText()).matches()) {
      assertTrue(TIME.matcher(answer.asText()).matches(), whole);
    } else {
      assertEquals(example, answer, whole);
    }
  }

  private static String brief(Reply reply) {
    String body = reply.body();
    return body.substring(0, Math.min(body.length(), 4000));
  }

  private static Map<String, JsonNode> members(JsonNode object) {
    return object
        .propertyStream()
        .collect(
            Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue, (a, _) -> a, TreeMap::new));
  }

  /** One id of the story is one of the server, and vice versa. */
  private void stands(String example, String id, String whole) {
    assertTrue(ID.matcher(id).matches(), whole);
    assertEquals(id, real.computeIfAbsent(example, _ -> id), whole);
    assertEquals(example, shown.computeIfAbsent(id, _ -> example), whole);
  }

  private String inReality(String text) {
    return ID.matcher(text)
        .replaceAll(id -> Matcher.quoteReplacement(real.getOrDefault(id.group(), id.group())));
  }

  private static JsonNode yaml(String text) {
    try {
      return new YAMLMapper().readTree(text);
    } catch (JsonProcessingException e) {
      throw new AssertionError("not YAML: " + text, e);
    }
  }

  /** The breaker that the dead tasks opened is probed after a second. */
  private void awaitProbes() {
    while (!store.hosts().open().getFirst().halfOpen()) {
      Thread.onSpinWait();
    }
  }

  /** Sets the queues that the client of the examples may use. */
  private void allow(String queues) {
    served.post(
        "/admin/clients/set", "{\"client_id\":\"my-service\",\"allowed_queues\":" + queues + "}");
  }

  /** Two tasks are tried and end in {@code dead}. */
  private void die() {
    for (String url : List.of("https://api.example.com/a", "https://api.example.com/b")) {
      Reply reply =
          served.post(
              "/v1/enqueue",
              "{\"client_id\":\"my-service\",\"queue\":\"mail\",\"task\":{\"url\":\""
                  + url
                  + "\"}}");
      real.putIfAbsent(DEAD, reply.json().path("task_id").asText());
      shown.put(real.get(DEAD), DEAD);
    }
    String worker = "00000000000000aa";
    List<Claim> claims =
        store
            .works()
            .getFirst()
            .exchange(List.of(), new ClaimRequest(worker, 1, 2, Duration.ofSeconds(30), 5, 0))
            .claims();
    List<Settlement> settlements = new ArrayList<>();
    for (Claim claim : claims) {
      Attempt attempt =
          new Attempt(
              claim.start().attempt(),
              Instant.EPOCH,
              Duration.ofMillis(12),
              OptionalInt.empty(),
              Optional.of(AttemptError.TIMEOUT),
              "no answer within 10 s");
      settlements.add(
          new Settlement(
              claim.id(),
              claim.number(),
              new Verdict.Bury(),
              attempt,
              Duration.ZERO,
              new BreakerReport.Failed(5)));
    }
    store.works().getFirst().settle(worker, settlements);
  }

  /** What was counted is sent every few seconds. */
  private void awaitFailures() {
    while (store.series().failures().size() < 2) {
      Thread.onSpinWait();
    }
  }

  private void beat() {
    store
        .workers()
        .beat(
            new WorkersStore.Facts(
                "8f2c41d05ab37e96", "worker-1", "1.2.3", 10, 3, false, Instant.EPOCH));
  }
}
