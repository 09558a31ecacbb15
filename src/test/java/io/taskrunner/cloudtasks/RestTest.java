package io.taskrunner.cloudtasks;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import io.taskrunner.cloudtasks.CloudProgram.Reply;
import io.taskrunner.testkit.ScriptedTarget;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The treatment of JSON, queries and paths by the REST surface, byte for byte. */
@Timeout(120)
class RestTest {

  private static final String PARENT = "projects/example.com:shop/locations/l";

  private static CloudProgram program;

  @BeforeAll
  static void start() throws Exception {
    program = CloudProgram.start("PATH_PREFIX", "/runner");
  }

  @AfterAll
  static void stop() {
    program.close();
  }

  private static Reply call(String method, String path, String body) throws Exception {
    return program.call(method, "/runner/v2/" + path, body);
  }

  private static String queue() throws Exception {
    String name = PARENT + "/queues/" + CloudProgram.fresh("q");
    Reply made = call("POST", PARENT + "/queues", "{\"name\":\"" + name + "\"}");
    assertEquals(200, made.status(), made.raw().body());
    return name;
  }

  private static String later(String more) {
    return "{\"task\":{\"scheduleTime\":\"" + tomorrow() + "\"," + more + "}}";
  }

  @Test
  void inputMayBeSnakeOrCamelCaseAndOutputIsCamelCase() throws Exception {
    String name = PARENT + "/queues/" + CloudProgram.fresh("q");
    Reply made =
        call(
            "POST",
            PARENT + "/queues",
            "{\"name\":\""
                + name
                + "\",\"rate_limits\":{\"max_dispatches_per_second\":0.25,"
                + "\"maxConcurrentDispatches\":\"7\"},\"retryConfig\":{\"minBackoff\":\"0.25s\"}}");
    assertEquals(200, made.status(), made.raw().body());
    assertEquals(
        "application/json; charset=UTF-8", made.raw().headers().firstValue("content-type").get());
    JsonNode queue = made.json();
    assertEquals(0.25, queue.at("/rateLimits/maxDispatchesPerSecond").asDouble());
    assertEquals(7, queue.at("/rateLimits/maxConcurrentDispatches").asInt());
    assertTrue(queue.at("/rateLimits/maxConcurrentDispatches").isInt());
    assertEquals("0.250s", queue.at("/retryConfig/minBackoff").asText());
    assertEquals("3600s", queue.at("/retryConfig/maxBackoff").asText());
    assertEquals("RUNNING", queue.at("/state").asText());
    assertFalse(queue.has("purgeTime"));
    assertFalse(queue.at("/retryConfig").has("maxRetryDuration"));
  }

  @Test
  void aFailedTaskIsGoneHereAndDeadInV1() throws Exception {
    String queue = PARENT + "/queues/" + CloudProgram.fresh("q");
    String settings = "{\"name\":\"" + queue + "\",\"retryConfig\":{\"maxAttempts\":1}}";
    assertEquals(200, call("POST", PARENT + "/queues", settings).status());
    String task = "{\"task\":{\"httpRequest\":{\"url\":\"http://127.0.0.1:1/\"}}}";
    String name = call("POST", queue + "/tasks", task).json().at("/name").asText();
    String dead = "/runner/v1/tasks?state=dead&queue=" + URLEncoder.encode(queue, UTF_8);
    JsonNode listed = MissingNode.getInstance();
    long began = System.nanoTime();
    while (listed.path("tasks").isEmpty()) {
      Reply reply = program.call("GET", dead, null);
      assertEquals(200, reply.status(), reply.raw().body());
      listed = reply.json();
      assertTrue(System.nanoTime() - began < 30_000_000_000L, listed.toString());
    }
    assertEquals("connect_failed", listed.at("/tasks/0/last_error").asText());
    assertEquals(404, call("GET", name, null).status());
    String replay = "/runner/v1/queues/" + URLEncoder.encode(queue, UTF_8) + "/dead/replay";
    assertEquals(1, program.call("POST", replay, null).json().at("/replayed").asInt());
  }

  @Test
  void enumsAreNumbersIfTheClientAsks() throws Exception {
    String queue = queue();
    for (String alt : List.of("$alt=json;enum-encoding=int", "%24alt=json%3Benum-encoding%3Dint")) {
      assertEquals(1, call("GET", queue + "?" + alt, null).json().at("/state").intValue());
    }
    assertEquals("RUNNING", call("GET", queue + "?alt=json", null).json().at("/state").asText());
    Reply task =
        call(
            "POST",
            queue + "/tasks",
            "{\"responseView\":2,\"task\":{\"scheduleTime\":\""
                + tomorrow()
                + "\",\"httpRequest\":{\"url\":\"http://h/\",\"httpMethod\":4,\"body\":\"aGk\"}}}");
    assertEquals("PUT", task.json().at("/httpRequest/httpMethod").asText());
    assertEquals("aGk=", task.json().at("/httpRequest/body").asText());
  }

  private static String tomorrow() {
    return java.time.Instant.now().plusSeconds(86_400).toString();
  }

  @Test
  void timesBytesAndViewsFollowProto3() throws Exception {
    String queue = queue();
    String body =
        Base64.getUrlEncoder().withoutPadding().encodeToString(new byte[] {-1, -2, -3, -4});
    Reply made =
        call(
            "POST",
            queue + "/tasks",
            "{\"task\":{\"name\":\""
                + queue
                + "/tasks/t\",\"schedule_time\":\""
                + tomorrow().substring(0, 19)
                + "+02:00\",\"dispatchDeadline\":\"15.5s\","
                + "\"httpRequest\":{\"url\":\"http://h/a?b=c#d\",\"body\":\""
                + body
                + "\",\"headers\":{\"X-a\":\"b\"}}}}");
    assertEquals(200, made.status(), made.raw().body());
    JsonNode task = made.json();
    assertTrue(task.at("/scheduleTime").asText().endsWith("Z"));
    assertTrue(task.at("/createTime").asText().matches("[0-9-]+T[0-9:]+Z"));
    assertEquals("15.500s", task.at("/dispatchDeadline").asText());
    assertEquals("BASIC", task.at("/view").asText());
    assertFalse(task.at("/httpRequest").has("body"));
    assertFalse(task.has("dispatchCount"));
    for (String view : List.of("responseView=FULL", "response_view=2")) {
      JsonNode full = call("GET", queue + "/tasks/t?" + view, null).json();
      assertEquals("//79/A==", full.at("/httpRequest/body").asText());
      assertEquals("http://h/a?b=c#d", full.at("/httpRequest/url").asText());
    }
    assertEquals("{}", call("DELETE", queue + "/tasks/t", null).raw().body().replaceAll("\\s", ""));
    assertEquals("{}", call("GET", queue + "/tasks", null).raw().body().replaceAll("\\s", ""));
  }

  @Test
  void anInvalidMessageIsRejectedInGooglesFormat() throws Exception {
    String queue = queue();
    String tasks = queue + "/tasks";
    for (String body :
        List.of(
            "{",
            "[]",
            "null",
            "{} {}",
            "{'task':{}}",
            "{\"task\":{},\"task\":{}}",
            "{\"tusk\":{}}",
            "{\"task\":{\"httpRequest\":{\"url\":\"http://h/\",\"httpMethod\":\"SHOUT\"}}}",
            "{\"task\":{\"httpRequest\":{\"url\":\"http://h/\",\"body\":\"*\"}}}",
            "{\"task\":{\"scheduleTime\":\"soon\",\"httpRequest\":{\"url\":\"http://h/\"}}}",
            "{\"task\":{\"dispatchDeadline\":\"1m\",\"httpRequest\":{\"url\":\"http://h/\"}}}",
            "{\"task\":{\"httpRequest\":{\"url\":\"http://h/\"},"
                + "\"appEngineHttpRequest\":{\"relativeUri\":\"/\"}}}")) {
      Reply refused = call("POST", tasks, body);
      assertEquals(400, refused.status(), body);
      assertEquals(400, refused.json().at("/error/code").asInt(), body);
      assertEquals("INVALID_ARGUMENT", refused.json().at("/error/status").asText(), body);
      assertTrue(refused.error().contains("Invalid JSON payload received."), refused.raw().body());
    }
    assertEquals(400, call("GET", tasks + "?pageSize=many", null).status());
    assertEquals(400, call("GET", tasks + "?colour=red", null).status());
    assertEquals(
        200,
        call(
                "GET",
                tasks + "?prettyPrint=false&fields=tasks&key=k&access_token=t&quotaUser=q&alt=json",
                null)
            .status());
    Reply named =
        call(
            "POST",
            tasks,
            later("\"name\":\"" + queue + "/tasks/a.b\",\"httpRequest\":{\"url\":\"http://h/\"}"));
    assertEquals(400, named.status());
    JsonNode help = named.json().at("/error/details/0");
    assertEquals("type.googleapis.com/google.rpc.Help", help.at("/@type").asText());
    assertEquals("Definition of task ID", help.at("/links/0/description").asText());
  }

  @Test
  void aBodyOverTheLimitIsRejected() throws Exception {
    String queue = queue();
    Reply large =
        call("POST", queue + "/tasks", later("\"name\":\"" + "x".repeat(5_000_000) + "\""));
    assertEquals(400, large.status());
    assertEquals("INVALID_ARGUMENT", large.json().at("/error/status").asText());
  }

  @Test
  void unknownPathsAre404InGooglesFormat() throws Exception {
    String queue = queue();
    for (String path :
        List.of(
            "", "projects", "nothing/here", queue + ":burn", queue + "/", queue + "/tasks/t/u")) {
      Reply missing = call("GET", path, null);
      assertEquals(404, missing.status(), path);
      assertEquals("NOT_FOUND", missing.json().at("/error/status").asText());
    }
    assertEquals(404, call("PUT", queue, "{}").status());
    assertEquals(404, program.call("GET", "/v2/" + queue, null).status());
    assertEquals(400, call("GET", PARENT + "/queues/under_score", null).status());
  }

  @Test
  void verbsNeedNoBodyAndAColonInAProjectIsNoVerb() throws Exception {
    String queue = queue();
    assertEquals("PAUSED", call("POST", queue + ":pause", null).json().at("/state").asText());
    assertEquals("RUNNING", call("POST", queue + ":resume", "{}").json().at("/state").asText());
    assertEquals(200, call("GET", queue.replace(":", "%3A"), null).status());
    assertEquals(200, call("GET", "projects/example.com:shop/locations", null).status());
    assertTrue(call("POST", queue + ":purge", "").json().has("purgeTime"));
    assertEquals(200, call("POST", queue + ":getIamPolicy", "{\"options\":{}}").status());
  }

  @Test
  void aMaskMayBeSnakeOrCamelCase() throws Exception {
    String queue = queue();
    for (String mask : List.of("retryConfig.maxAttempts", "retry_config.max_attempts")) {
      Reply changed =
          call(
              "PATCH",
              queue + "?updateMask=" + mask + ",rateLimits",
              "{\"retryConfig\":{\"maxAttempts\":3,\"maxDoublings\":9},\"rateLimits\":{}}");
      assertEquals(200, changed.status(), changed.raw().body());
      assertEquals(3, changed.json().at("/retryConfig/maxAttempts").asInt());
      assertEquals(16, changed.json().at("/retryConfig/maxDoublings").asInt());
    }
    assertEquals(400, call("PATCH", queue + "?updateMask=no.such", "{}").status());
  }

  @Test
  void theFirebaseSdksCallWithoutTheVersion() throws Exception {
    String queue = queue();
    Reply made =
        program.call(
            "POST",
            "/runner/" + queue + "/tasks",
            task(
                "{\"httpRequest\":{\"url\":\"http://h/\",\"body\":\"e30=\","
                    + "\"headers\":{\"Content-Type\":\"application/json\"},"
                    + "\"oidcToken\":{\"serviceAccountEmail\":\"emulated-service-acct@email.com\"}},"
                    + "\"name\":\""
                    + queue
                    + "/tasks/f\",\"scheduleTime\":\""
                    + tomorrow()
                    + "\"}"),
            "Authorization",
            "Bearer owner");
    assertEquals(200, made.status(), made.raw().body());
    assertEquals(
        200,
        program
            .call("DELETE", "/runner/" + queue + "/tasks/f", null, "Authorization", "Bearer owner")
            .status());
  }

  private static String task(String task) {
    return "{\"task\":" + task + "}";
  }

  @Test
  void theHttpTargetOfAQueueIsStoredAndAppliesToNewTasks() throws Exception {
    try (ScriptedTarget target = ScriptedTarget.start()) {
      String queue = queue();
      Reply changed =
          call(
              "PATCH",
              queue + "?updateMask=httpTarget",
              """
              {"httpTarget": {
                "uriOverride": {"scheme": "HTTP", "host": "127.0.0.1", "port": "%d",
                  "pathOverride": {"path": "/other"}, "queryOverride": {"queryParams": "x=y"}},
                "httpMethod": "PUT",
                "headerOverrides": [{"header": {"key": "X-Mine", "value": "queue"}}]}}
              """
                  .formatted(target.port()));
      assertEquals(200, changed.status(), changed.raw().body());
      assertEquals(
          "/other", changed.json().at("/httpTarget/uriOverride/pathOverride/path").asText());
      assertEquals("PUT", call("GET", queue, null).json().at("/httpTarget/httpMethod").asText());
      Reply made =
          call(
              "POST",
              queue + "/tasks",
              "{\"task\":{\"httpRequest\":{\"url\":\"https://nowhere.example/path\","
                  + "\"body\":\"aGk=\",\"headers\":{\"x-mine\":\"task\"}}}}");
      assertEquals("https://nowhere.example/path", made.json().at("/httpRequest/url").asText());
      ScriptedTarget.Received received = target.next();
      assertEquals("PUT /other?x=y HTTP/1.1", received.firstLine());
      assertEquals("queue", received.header("X-Mine"));
      assertEquals("hi", received.text());
      Reply wrong =
          call("PATCH", queue + "?updateMask=httpTarget", "{\"httpTarget\":{\"oidcToken\":{}}}");
      assertEquals(400, wrong.status());
    }
  }

  @Test
  void theTasksOfABatchSucceedOrFailOneByOne() throws Exception {
    String queue = queue();
    String good = "\"httpRequest\":{\"url\":\"http://h/\"},\"scheduleTime\":\"" + tomorrow() + "\"";
    Reply made =
        call(
            "POST",
            queue + "/tasks:batchCreate",
            "{\"requests\":[{\"task\":{\"name\":\""
                + queue
                + "/tasks/a\","
                + good
                + "}},"
                + "{\"task\":{}},{\"parent\":\""
                + queue
                + "-other\",\"task\":{"
                + good
                + "}},"
                + "{\"task\":{"
                + good
                + "},\"responseView\":\"FULL\"}]}");
    assertEquals(200, made.status(), made.raw().body());
    JsonNode results = made.json().at("/results");
    assertEquals(4, results.size());
    assertEquals(queue + "/tasks/a", results.at("/0/task/name").asText());
    assertEquals(3, results.at("/1/error/code").asInt());
    assertEquals(3, results.at("/2/error/code").asInt());
    assertEquals("FULL", results.at("/3/task/view").asText());
    Reply again =
        call(
            "POST",
            queue + "/tasks:batchCreate",
            "{\"requests\":[{\"task\":{\"name\":\"" + queue + "/tasks/a\"," + good + "}}]}");
    assertEquals(6, again.json().at("/results/0/error/code").asInt());
    assertEquals(400, call("POST", queue + "/tasks:batchCreate", "{}").status());
    assertEquals(2, call("GET", queue + "/tasks", null).json().at("/tasks").size());
  }

  @Test
  void pagesOfOtherSitesAreRejected() throws Exception {
    String queue = queue();
    Reply foreign =
        program.call(
            "POST", "/runner/v2/" + queue + ":purge", "{}", "Origin", "https://evil.example");
    assertEquals(403, foreign.status());
    assertEquals("PERMISSION_DENIED", foreign.json().at("/error/status").asText());
    try (Socket socket =
        new Socket("127.0.0.1", Integer.parseInt(program.address().split(":")[1]))) {
      OutputStream out = socket.getOutputStream();
      out.write(
          ("GET /runner/v2/"
                  + queue
                  + " HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
              .getBytes(StandardCharsets.US_ASCII));
      InputStream in = socket.getInputStream();
      String answer = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      assertTrue(answer.startsWith("HTTP/1.1 403"), answer);
    }
  }
}
