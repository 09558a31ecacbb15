package io.taskrunner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.taskrunner.testkit.ProgramProcess;
import io.taskrunner.testkit.RedisServer;
import io.taskrunner.testkit.ScriptedTarget;
import io.taskrunner.testkit.ScriptedTarget.Received;
import java.io.IOException;
import java.io.StringWriter;
import java.lang.reflect.Method;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The verifiers of the guide, as printed there, on real requests of the program. */
@Timeout(120)
class VerifyingTest {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final HttpClient CALLER = HttpClient.newHttpClient();
  private static final String HMAC = "{\"type\":\"hmac\"}";
  private static final String ED25519 = "{\"type\":\"ed25519\"}";
  private static final String BODY = "{\"a\": \"ü\"}\n";

  /** A published example of Standard Webhooks. */
  private static final Delivery KNOWN =
      new Delivery(
          "msg_p5jXN8AQM9LWM0D4loKWxJek",
          "1614265330",
          "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
          "{\"test\": 2432232314}".getBytes(StandardCharsets.UTF_8));

  @TempDir static Path folder;

  private static RedisServer redis;
  private static ProgramProcess program;
  private static ScriptedTarget target;
  private static String key;

  private static final List<Case> CASES = new ArrayList<>();

  /** The request at a receiver. */
  record Delivery(String id, String timestamp, String signatures, byte[] body) {
    static Delivery of(Received request) {
      return new Delivery(
          request.header("webhook-id"),
          request.header("webhook-timestamp"),
          request.header("webhook-signature"),
          request.body());
    }
  }

  /** The input of a verifier, and its expected result. */
  record Case(String name, List<String> keys, Delivery delivery, long now, boolean genuine) {
    boolean needsEd25519() {
      return keys.stream().anyMatch(key -> key.startsWith("whpk_"));
    }
  }

  @BeforeAll
  static void deliver() throws Exception {
    redis = RedisServer.start();
    target = ScriptedTarget.start();
    program =
        ProgramProcess.start(
            Map.of(
                "REDIS_URL",
                "redis://127.0.0.1:" + redis.port(),
                "BIND",
                "127.0.0.1",
                "ALLOW_PRIVATE_URLS",
                "true",
                "LOG_LEVEL",
                "debug"),
            "serve");
    program.awaitReady();
    call("POST", "/admin/clients/set", "{\"client_id\":\"abc\"}", 200);
    key = call("POST", "/admin/clients/abc/keys", "{}", 201).path("key").asText();
    cases();
  }

  @AfterAll
  static void stop() {
    if (program != null) {
      program.close();
    }
    target.close();
    redis.close();
  }

  private static void cases() throws Exception {
    final Delivery unsigned = deliver("POST", BODY);
    assertNull(unsigned.signatures());
    JsonNode first = call("PUT", "/admin/clients/abc/signing-secret", "", 201);
    String hmac = first.path("secret").asText();
    assertTrue(first.path("public_key").isNull(), first.toString());
    Delivery byHmac = deliver("POST", BODY);
    both("a body", List.of(hmac), byHmac);
    both("no body", List.of(hmac), deliver("GET", null));
    target.answers("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n").answers(ScriptedTarget.OK);
    enqueue("POST", BODY);
    Delivery failed = Delivery.of(target.next());
    Delivery retried = Delivery.of(target.next());
    assertEquals(failed.id(), retried.id());
    both("the first attempt", List.of(hmac), failed);
    both("a retry", List.of(hmac), retried);

    JsonNode second = call("PUT", "/admin/clients/abc/signing-secret", ED25519, 200);
    String open = second.path("public_key").asText();
    assertTrue(second.path("secret").asText().startsWith("whsk_"), "ed25519");
    assertFalse(second.path("previous_valid_until").isNull(), second.toString());
    Delivery byBoth = deliver("POST", BODY);
    assertEquals(2, byBoth.signatures().split(" ").length, byBoth.signatures());
    both("the old key after a rotation", List.of(hmac), byBoth);
    both("the new key after a rotation", List.of(open), byBoth);
    both("both keys", List.of(open, hmac), byBoth);
    add("the new key for what was sent before", List.of(open), byHmac, 0, false);

    JsonNode third = call("PUT", "/admin/clients/abc/signing-secret", HMAC, 200);
    add("a key that came after", List.of(third.path("secret").asText()), byBoth, 0, false);
    both("three keys sign", List.of(third.path("secret").asText()), deliver("POST", BODY));

    target.answers(ScriptedTarget.OK).answers(ScriptedTarget.OK);
    enqueue("POST", BODY, Map.of("url", target.url("/done?of=it")));
    Delivery task = Delivery.of(target.next());
    Received request = target.next();
    Delivery callback = Delivery.of(request);
    assertTrue(request.firstLine().startsWith("POST /done?of=it "), request.firstLine());
    assertEquals(task.id(), JSON.readTree(callback.body()).path("task_id").asText());
    assertEquals("succeeded", JSON.readTree(callback.body()).path("state").asText());
    assertNotEquals(task.id(), callback.id());
    both("a callback", List.of(third.path("secret").asText()), callback);

    String known = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    add("what other libraries sign", List.of(known), KNOWN, 1614265330, true);
  }

  /** It is genuine, and no altered copy of it is. */
  private static void both(String name, List<String> keys, Delivery d) {
    add(name, keys, d, 0, true);
    add(name + ", just in time", keys, d, 299, true);
    add(name + ", too late", keys, d, 302, false);
    add(name + ", too early", keys, d, -302, false);
    byte[] other =
        (new String(d.body(), StandardCharsets.UTF_8) + " ").getBytes(StandardCharsets.UTF_8);
    add(
        name + ", with another body",
        keys,
        new Delivery(d.id(), d.timestamp(), d.signatures(), other),
        0,
        false);
    add(
        name + ", under another id",
        keys,
        new Delivery(d.id() + "0", d.timestamp(), d.signatures(), d.body()),
        0,
        false);
    String later = Long.toString(Long.parseLong(d.timestamp()) + 1);
    add(
        name + ", at another time",
        keys,
        new Delivery(d.id(), later, d.signatures(), d.body()),
        0,
        false);
    add(
        name + ", at no time",
        keys,
        new Delivery(d.id(), "soon", d.signatures(), d.body()),
        0,
        false);
    for (String signature :
        List.of("", "v1,", "v1a,", "v2,AAAA", "v1,AAAA", "v1a,AAAA", "v1,***")) {
      add(
          name + ", signed by " + signature,
          keys,
          new Delivery(d.id(), d.timestamp(), signature, d.body()),
          0,
          false);
    }
  }

  private static void add(
      String name, List<String> keys, Delivery delivery, long later, boolean genuine) {
    boolean old = delivery == KNOWN;
    long sent = delivery.timestamp().matches("\\d+") ? Long.parseLong(delivery.timestamp()) : 0;
    CASES.add(new Case(name, keys, delivery, old ? later : sent + later, genuine));
  }

  private static JsonNode call(String method, String path, String body, int status)
      throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(program.url() + path))
            .method(method, HttpRequest.BodyPublishers.ofString(body))
            .build();
    HttpResponse<String> answer = CALLER.send(request, HttpResponse.BodyHandlers.ofString());
    assertEquals(status, answer.statusCode(), answer.body());
    return JSON.readTree(answer.body());
  }

  private static void enqueue(String method, String body) throws Exception {
    enqueue(method, body, Map.of());
  }

  private static void enqueue(String method, String body, Map<String, String> callback)
      throws Exception {
    Map<String, Object> task =
        new LinkedHashMap<>(Map.of("url", target.url("/hook"), "method", method));
    if (body != null) {
      task.put("body", body);
    }
    Map<String, Object> call =
        new LinkedHashMap<>(Map.of("task", task, "retry", Map.of("min_backoff_sec", 0.01)));
    if (!callback.isEmpty()) {
      call.put("callback", callback);
    }
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(program.url() + "/v1/enqueue"))
            .header("Authorization", "Bearer " + key)
            .POST(HttpRequest.BodyPublishers.ofString(JSON.writeValueAsString(call)))
            .build();
    HttpResponse<String> answer = CALLER.send(request, HttpResponse.BodyHandlers.ofString());
    assertEquals(201, answer.statusCode(), answer.body());
  }

  private static Delivery deliver(String method, String body) throws Exception {
    target.answers(ScriptedTarget.OK); // registered beforehand, so that no other request gets it
    enqueue(method, body);
    return Delivery.of(target.next());
  }

  private static String snippet(String language) throws IOException {
    Matcher snippet =
        Pattern.compile("```" + language + "\n(.*?)```", Pattern.DOTALL)
            .matcher(Files.readString(Path.of("docs/verifying.md")));
    assertTrue(snippet.find(), "no snippet of " + language);
    return snippet.group(1);
  }

  @Test
  void theJavaCodeVerifies() throws Exception {
    Path source = folder.resolve("Webhook.java");
    Files.writeString(source, snippet("java"));
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    assertNotNull(compiler, "no compiler");
    StringWriter said = new StringWriter();
    boolean compiled =
        compiler
            .getTask(
                said,
                null,
                null,
                List.of("-d", folder.toString(), "-Xlint:all", "-Werror", "-proc:none"),
                null,
                compiler.getStandardFileManager(null, null, null).getJavaFileObjects(source))
            .call();
    assertTrue(compiled, said.toString());
    try (URLClassLoader loader = new URLClassLoader(new URL[] {folder.toUri().toURL()}, null)) {
      Method verifier =
          loader
              .loadClass("Webhook")
              .getMethod(
                  "isGenuine",
                  List.class,
                  String.class,
                  String.class,
                  String.class,
                  byte[].class,
                  Instant.class);
      for (Case one : CASES) {
        Delivery it = one.delivery();
        Object genuine =
            verifier.invoke(
                null,
                one.keys(),
                it.id(),
                it.timestamp(),
                it.signatures(),
                it.body(),
                Instant.ofEpochSecond(one.now()));
        assertEquals(one.genuine(), genuine, one.name());
      }
    }
  }

  /** The cases for a verifier in a process of its own. */
  private static Path asked(List<Case> cases) throws IOException {
    List<Map<String, Object>> all =
        cases.stream()
            .map(one ->
                Map.<String, Object>of(
                    "name", one.name(),
                    "keys", one.keys(),
                    "id", one.delivery().id(),
                    "timestamp", one.delivery().timestamp(),
                    "signatures", one.delivery().signatures(),
                    "body", Base64.getEncoder().encodeToString(one.delivery().body()),
                    "now", one.now(),
                    "genuine", one.genuine()))
            .toList();
    return Files.write(folder.resolve("cases.json"), JSON.writeValueAsBytes(all));
  }

  @Test
  void theNodeCodeVerifies() throws Exception {
    assumeTrue(run(List.of("node", "--version")).status() == 0, "node is not installed");
    Files.writeString(folder.resolve("webhook.mjs"), snippet("js"));
    Path check = folder.resolve("check.mjs");
    Files.writeString(
        check,
        """
        import { readFileSync } from 'node:fs';
        import { isGenuine } from './webhook.mjs';
        const cases = JSON.parse(readFileSync(process.argv[2]));
        for (const it of cases) {
          const said = isGenuine(it.keys, it, Buffer.from(it.body, 'base64'), it.now * 1000);
          if (said !== it.genuine) throw new Error(`${it.name}: ${said}`);
        }
        console.log(`${cases.length} are right`);
        """);
    assertRight(CASES, List.of("node", check.toString(), asked(CASES).toString()));
  }

  @Test
  void thePythonCodeVerifies() throws Exception {
    assumeTrue(run(List.of("python3", "--version")).status() == 0, "python3 is not installed");
    boolean whole = run(List.of("python3", "-c", "import cryptography")).status() == 0;
    List<Case> cases = CASES.stream().filter(one -> whole || !one.needsEd25519()).toList();
    Files.writeString(folder.resolve("webhook.py"), snippet("python"));
    Path check = folder.resolve("check.py");
    Files.writeString(
        check,
        """
        import base64, json, sys
        from webhook import is_genuine
        cases = json.load(open(sys.argv[1]))
        for it in cases:
            body = base64.b64decode(it["body"])
            said = is_genuine(it["keys"], it["id"], it["timestamp"], it["signatures"], body, it["now"])
            assert said is it["genuine"], (it["name"], said)
        print(len(cases), "are right")
        """);
    assertRight(cases, List.of("python3", check.toString(), asked(cases).toString()));
  }

  private static void assertRight(List<Case> cases, List<String> command) throws Exception {
    Ended ended = run(command);
    assertEquals(0, ended.status(), ended.said());
    assertTrue(ended.said().contains(cases.size() + " are right"), ended.said());
  }

  @Test
  void theLogHasNoSecrets() throws Exception {
    program.await("signing secret rotated");
    assertFalse(program.said("whsec_"), "a secret is in the log");
    assertFalse(program.said("whsk_"), "a secret is in the log");
  }

  private record Ended(int status, String said) {}

  private static Ended run(List<String> command) throws InterruptedException {
    try {
      Process process =
          new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
      process.getOutputStream().close();
      String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertTrue(process.waitFor(60, TimeUnit.SECONDS), said);
      return new Ended(process.exitValue(), said);
    } catch (IOException missing) {
      return new Ended(-1, missing.getMessage());
    }
  }
}
