package io.taskrunner.faults;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.taskrunner.faults.Receiver.Gate;
import io.taskrunner.testkit.Ports;
import io.taskrunner.testkit.ProgramProcess;
import io.taskrunner.testkit.RedisServer;
import io.taskrunner.testkit.ScriptedTarget;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The targets of tasks are hostile, or there are far too many tasks. */
@Tag("faults")
@Timeout(240)
class TargetFaultsTest {

  private static final int PER_SECOND = 100;

  /** Fewer than open a breaker. */
  private static final int OF_EACH_KIND = 4;

  private static final long ANSWER_BYTES = 10L * 1000 * 1000 * 1000;

  /** The bytes of a connection that a sender can write before it learns that nothing reads them. */
  private static final long UNREAD_BYTES_MAX = 16L * 1024 * 1024;

  private static final int TARGETS = 10_000;
  private static final int BATCH = 1000;
  private static final int AT_ONCE = 2000;
  private static final long WORKER_KIB_MAX = 768 * 1024;

  @RegisterExtension final Scene scene = new Scene();

  @Test
  void endlessResponsesDelayNoOtherTask() throws Exception {
    RedisServer redis = scene.redis(Ports.free(), "everysec");
    Installation all = new Installation(scene, Scene.on(redis.port()), PER_SECOND);
    Admin admin = new Admin(all.api);
    ScriptedTarget silent = scene.with(ScriptedTarget.start());
    ScriptedTarget slow = scene.with(ScriptedTarget.start());
    ScriptedTarget endless = scene.with(ScriptedTarget.start());
    AtomicLong sent = new AtomicLong();
    for (int i = 0; i < OF_EACH_KIND; i++) {
      silent.plays(ScriptedTarget.Talk::awaitEnd);
      slow.plays(TargetFaultsTest::aByteASecond);
      endless.plays(talk -> tenGigabytes(talk, sent));
    }

    all.begin();
    all.ledger.awaitMore(PER_SECOND);
    admin.client("hostile");
    List<String> timedOut = new ArrayList<>();
    List<String> cutOff = new ArrayList<>();
    for (int i = 0; i < OF_EACH_KIND; i++) {
      timedOut.add(admin.enqueue(hostile(silent.url("/silent"))));
      timedOut.add(admin.enqueue(hostile(slow.url("/slow"))));
      cutOff.add(admin.enqueue(hostile(endless.url("/endless"))));
    }
    for (String id : timedOut) {
      JsonNode attempt = admin.awaitState(id, "dead").get("attempts").get(0);
      assertEquals("timeout", attempt.get("error").asText());
      assertTrue(attempt.get("duration_ms").asLong() < 5000, attempt.toString());
    }
    for (String id : cutOff) {
      JsonNode attempt = admin.awaitState(id, "succeeded").get("attempts").get(0);
      assertEquals(200, attempt.get("status").asInt());
      assertTrue(attempt.get("duration_ms").asLong() < 2000, attempt.toString());
    }
    all.ledger.awaitMore(PER_SECOND);

    Account account = all.ledger.settle(redis.settings());
    Table.add(
        "targets that never answer, answer a byte a second, answer 10 GB",
        account,
        sent.get() / OF_EACH_KIND / 1024 + " KiB of each 10 GB were sent");
    Scene.assertNothingLost(account);
    assertEquals(0, account.refused() + account.broken(), "the API was not touched");
    assertEquals(0, account.again());
    assertTrue(sent.get() < OF_EACH_KIND * UNREAD_BYTES_MAX, "sent: " + sent);
  }

  private static String hostile(String url) {
    return "{\"client_id\":\"hostile\",\"queue\":\"low\",\"timeout_sec\":2,"
        + "\"retry\":{\"max_retries\":0},\"task\":{\"url\":\""
        + url
        + "\"}}";
  }

  private static void aByteASecond(ScriptedTarget.Talk talk) throws IOException {
    for (byte one : ScriptedTarget.OK.getBytes(StandardCharsets.US_ASCII)) {
      talk.write(new byte[] {one});
      LockSupport.parkNanos(Duration.ofSeconds(1).toNanos());
    }
  }

  private static void tenGigabytes(ScriptedTarget.Talk talk, AtomicLong sent) throws IOException {
    talk.write("HTTP/1.1 200 OK\r\nContent-Length: " + ANSWER_BYTES + "\r\n\r\n");
    byte[] piece = new byte[64 * 1024];
    for (long left = ANSWER_BYTES; left > 0; left -= piece.length) {
      talk.write(piece);
      sent.addAndGet(piece.length);
    }
  }

  @Test
  void tenThousandTargetsAreReachedInBoundedMemory() throws Exception {
    assumeTrue(
        System.getProperty("os.name").equals("Linux"),
        "only Linux answers on every address of 127.0.0.0/8");
    RedisServer redis = scene.redis(Ports.free(), "everysec");
    String atOnce = Integer.toString(AT_ONCE);
    Installation all =
        new Installation(scene, Scene.on(redis.port()), PER_SECOND, "WORKER_CONCURRENCY", atOnce);
    Receiver crowd = scene.receiverEverywhere();
    Admin admin = new Admin(all.api);

    all.begin();
    all.ledger.awaitMore(PER_SECOND);
    admin.client("crowd");
    Gate gate = crowd.hold();
    for (int from = 0; from < TARGETS; from += BATCH) {
      JsonNode answer = admin.post("/v1/enqueue/batch", crowd(crowd.port(), from));
      assertEquals(BATCH, answer.get("enqueued").asInt(), answer.toString());
    }
    // The load alternates with them, so that not quite all slots are theirs.
    crowd.awaitHeld(gate, AT_ONCE * 9 / 10);
    crowd.letPass();
    gate.open(200);
    crowd.awaitArrived(TARGETS);
    all.ledger.awaitMore(PER_SECOND);

    Account account = all.ledger.settle(redis.settings());
    long peak = peakKib(all.worker);
    Table.add("10,000 targets, " + AT_ONCE + " at once", account, "worker's peak " + peak + " KiB");
    Scene.assertNothingLost(account);
    assertEquals(0, account.broken(), "each call got an answer");
    assertEquals(0, account.again() + crowd.again());
    assertEquals(0, admin.stats("low").get("dead").asInt());
    assertTrue(peak < WORKER_KIB_MAX, "the worker took " + peak + " KiB");
  }

  private static String crowd(int port, int from) {
    StringBuilder tasks =
        new StringBuilder("{\"client_id\":\"crowd\",\"queue\":\"low\",\"tasks\":[");
    for (int i = from; i < from + BATCH; i++) {
      tasks
          .append(i == from ? "" : ",")
          .append("{\"task\":{\"url\":\"http://127.1.")
          .append(i / 250)
          .append('.')
          .append(i % 250 + 1)
          .append(':')
          .append(port)
          .append("/\"}}");
    }
    return tasks.append("]}").toString();
  }

  private static long peakKib(ProgramProcess program) throws IOException {
    return Files.readAllLines(Path.of("/proc", Long.toString(program.process().pid()), "status"))
        .stream()
        .filter(line -> line.startsWith("VmHWM:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void aTaskThatKillsItsWorkerEndsDeadAndAffectsNoOther() throws Exception {
    int attempts = 3;
    RedisServer redis = scene.redis(Ports.free(), "everysec");
    Map<String, String> on = Scene.on(redis.port());
    Installation all = new Installation(scene, on, PER_SECOND);
    ProgramProcess worker = all.worker;
    Admin admin = new Admin(all.api);
    ScriptedTarget poison = scene.with(ScriptedTarget.start());
    for (int i = 0; i < attempts; i++) {
      poison.plays(ScriptedTarget.Talk::awaitEnd);
    }

    all.begin();
    all.ledger.awaitMore(PER_SECOND);
    admin.client("poisoner");
    String id =
        admin.enqueue(
            "{\"client_id\":\"poisoner\",\"queue\":\"critical\",\"retry\":{\"max_retries\":"
                + (attempts - 1)
                + "},\"task\":{\"url\":\""
                + poison.url("/poison")
                + "\"}}");
    for (int i = 0; i < attempts; i++) {
      poison.next();
      worker.kill();
      worker = scene.program("worker", on);
    }
    JsonNode dead = admin.awaitState(id, "dead");
    worker.awaitReady();
    all.ledger.awaitMore(PER_SECOND);

    Account account = all.ledger.settle(redis.settings());
    Table.add(
        "a task that kills its worker, " + attempts + " times", account, "it is dead: lease_lost");
    Scene.assertNothingLost(account);
    assertEquals(0, account.refused() + account.broken(), "the API was not touched");
    assertEquals(attempts, dead.get("attempts").size(), dead.toString());
    dead.get("attempts")
        .forEach(attempt -> assertEquals("lease_lost", attempt.get("error").asText()));
    assertEquals(0, poison.unseen(), "it came once for each attempt");
    assertTrue(
        account.again() <= attempts * (Scene.SLOTS - 1), "delivered again: " + account.again());
  }
}
