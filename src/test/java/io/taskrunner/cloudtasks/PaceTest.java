package io.taskrunner.cloudtasks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.api.gax.rpc.NotFoundException;
import com.google.cloud.tasks.v2.CloudTasksClient;
import com.google.cloud.tasks.v2.HttpRequest;
import com.google.cloud.tasks.v2.LocationName;
import com.google.cloud.tasks.v2.Queue;
import com.google.cloud.tasks.v2.RateLimits;
import com.google.cloud.tasks.v2.RetryConfig;
import com.google.cloud.tasks.v2.Task;
import com.google.protobuf.Timestamp;
import com.google.protobuf.util.Durations;
import com.google.protobuf.util.Timestamps;
import io.taskrunner.testkit.ScriptedTarget;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The send times of tasks, as the target of Google's client measures them: never too early, and
 * late by no more than a busy machine needs.
 */
@Timeout(120)
class PaceTest {

  private static final LocationName PARENT = LocationName.of("shop", "europe-west1");
  private static final String WELL = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  private static final String DOWN = "HTTP/1.1 503 Down\r\nContent-Length: 0\r\n\r\n";
  private static final double SLACK_SEC = 2;

  private static CloudProgram program;
  private static CloudTasksClient client;

  @BeforeAll
  static void start() throws Exception {
    program = CloudProgram.start("WORKER_CONCURRENCY", "50");
    client = CloudTasksClient.create(GoogleClientTest.grpc(program.address()));
  }

  @AfterAll
  static void stop() {
    client.close();
    program.close();
  }

  private static String queue(RateLimits.Builder limits, RetryConfig.Builder retry) {
    String name = PARENT + "/queues/" + CloudProgram.fresh("times");
    Queue queue =
        Queue.newBuilder().setName(name).setRateLimits(limits).setRetryConfig(retry).build();
    return client.createQueue(PARENT, queue).getName();
  }

  private static Task.Builder task(String url) {
    return Task.newBuilder().setHttpRequest(HttpRequest.newBuilder().setUrl(url));
  }

  /** Awaits this many requests; the seconds from a moment to each. */
  private static List<Double> arrivals(ScriptedTarget target, int count, long since)
      throws Exception {
    List<Double> arrivals = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      target.next();
      arrivals.add((System.nanoTime() - since) / 1e9);
    }
    return arrivals;
  }

  private static void about(double expected, double measured) {
    assertTrue(measured > expected - 0.01, "not before " + expected + " s: " + measured);
    assertTrue(measured < expected + SLACK_SEC, "at about " + expected + " s: " + measured);
  }

  @Test
  void aTaskIsSentWhenItIsDue() throws Exception {
    try (ScriptedTarget target = ScriptedTarget.start()) {
      String queue = queue(RateLimits.newBuilder(), RetryConfig.newBuilder());
      Timestamp due =
          Timestamps.add(
              Timestamps.fromMillis(System.currentTimeMillis()), Durations.fromMillis(1200));
      client.createTask(queue, task(target.url("/due")).setScheduleTime(due).build());
      ScriptedTarget.Received sent = target.next();
      double late = (System.currentTimeMillis() - Timestamps.toMillis(due)) / 1000.0;
      about(0, late);
      assertEquals(
          String.format("%d.%06d", due.getSeconds(), due.getNanos() / 1000),
          sent.header("X-CloudTasks-TaskETA"));
    }
  }

  @Test
  void backoffDoublesThenGrowsThenStaysAndTheTaskIsDropped() throws Exception {
    try (ScriptedTarget target = ScriptedTarget.start()) {
      String queue =
          queue(
              RateLimits.newBuilder(),
              RetryConfig.newBuilder()
                  .setMinBackoff(Durations.fromMillis(200))
                  .setMaxBackoff(Durations.fromMillis(700))
                  .setMaxDoublings(1)
                  .setMaxAttempts(5));
      List<Long> times = new CopyOnWriteArrayList<>();
      for (int i = 0; i < 5; i++) {
        target.plays(talk -> {
          times.add(System.nanoTime()); // a wait begins once this is answered
          talk.write(DOWN);
        });
      }
      String name = queue + "/tasks/down";
      client.createTask(queue, task(target.url("/down")).setName(name).build());
      while (true) {
        try {
          client.getTask(name);
        } catch (NotFoundException over) {
          assertTrue(over.getMessage().contains("The task no longer exists"), over.getMessage());
          break;
        }
      }
      assertEquals(5, times.size());
      double[] waits = {0.2, 0.4, 0.7, 0.7};
      for (int i = 0; i < waits.length; i++) {
        about(waits[i], (times.get(i + 1) - times.get(i)) / 1e9);
      }
    }
  }

  @Test
  void aQueueKeepsItsRateAfterTheBurst() throws Exception {
    try (ScriptedTarget target = ScriptedTarget.start()) {
      String queue =
          queue(RateLimits.newBuilder().setMaxDispatchesPerSecond(10), RetryConfig.newBuilder());
      int burst = client.getQueue(queue).getRateLimits().getMaxBurstSize();
      client.pauseQueue(queue);
      for (int i = 0; i < 25; i++) {
        client.createTask(queue, task(target.url("/" + i)).build());
      }
      long resumed = System.nanoTime();
      client.resumeQueue(queue);
      List<Double> arrivals = arrivals(target, 25, resumed);
      for (int i = 0; i < arrivals.size(); i++) {
        about(Math.max(0, (i + 1 - burst) / 10.0), arrivals.get(i));
      }
    }
  }

  @Test
  void noMoreTasksRunThanTheQueueAllows() throws Exception {
    try (ScriptedTarget target = ScriptedTarget.start()) {
      AtomicInteger running = new AtomicInteger();
      AtomicInteger most = new AtomicInteger();
      CompletableFuture<Void> two = new CompletableFuture<>();
      for (int i = 0; i < 12; i++) {
        target.plays(talk -> {
          if (most.accumulateAndGet(running.incrementAndGet(), Math::max) == 2) {
            two.complete(null);
          }
          two.join(); // so that two are seen together
          running.decrementAndGet();
          talk.write(WELL);
        });
      }
      String queue =
          queue(RateLimits.newBuilder().setMaxConcurrentDispatches(2), RetryConfig.newBuilder());
      for (int i = 0; i < 12; i++) {
        client.createTask(queue, task(target.url("/" + i)).build());
      }
      for (int i = 0; i < 12; i++) {
        target.next();
      }
      assertEquals(2, most.get());
    }
  }

  @Test
  void aTaskDeletedWhileItRunsContinuesAndIsNotRetried() throws Exception {
    try (ScriptedTarget target = ScriptedTarget.start()) {
      CompletableFuture<Void> deleted = new CompletableFuture<>();
      target.plays(talk -> {
        deleted.join();
        talk.write(DOWN);
      });
      String queue =
          queue(
              RateLimits.newBuilder().setMaxConcurrentDispatches(1),
              RetryConfig.newBuilder().setMinBackoff(Durations.ZERO).setMaxBackoff(Durations.ZERO));
      String name = client.createTask(queue, task(target.url("/deleted")).build()).getName();
      assertEquals("POST /deleted HTTP/1.1", target.next().firstLine());
      Task runs = client.getTask(name);
      assertEquals(1, runs.getDispatchCount());
      assertFalse(runs.getLastAttempt().hasResponseTime());
      client.deleteTask(name);
      assertThrows(NotFoundException.class, () -> client.getTask(name));
      // There is room for one: it arrives once the deleted one is over, and a retry of that would
      // be first.
      client.createTask(queue, task(target.url("/next")).build());
      deleted.complete(null);
      assertEquals("POST /next HTTP/1.1", target.next().firstLine());
      client.createTask(queue, task(target.url("/last")).build());
      assertEquals("POST /last HTTP/1.1", target.next().firstLine());
      assertEquals(0, target.unseen());
    }
  }
}
