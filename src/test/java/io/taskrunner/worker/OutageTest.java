package io.taskrunner.worker;

import static java.time.Duration.ofMillis;
import static java.time.Duration.ofSeconds;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.taskrunner.task.Task;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import io.taskrunner.testkit.RedisServer;
import io.taskrunner.worker.Target.Arrival;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The guarantees of workers while Redis is unavailable. */
@Timeout(120)
class OutageTest {

  private static final Duration LEASE = ofSeconds(5);

  @TempDir private Path files;

  private RedisServer lasting(int port) throws IOException {
    String[] options = {"--appendonly", "yes", "--dir", files.toString()};
    return port == 0 ? RedisServer.start(options) : RedisServer.start(port, options);
  }

  @Test
  void aRedisThatDiesWhileTasksRunCostsNothing() throws Exception {
    int tasks = 3000;
    RedisServer redis = lasting(0);
    RedisServer next = redis;
    try (Target target = new Target();
        Rig rig = new Rig(redis.settings(), redis.port())) {
      target.answers(arrival -> Target.after(ofMillis(20), 200));
      List<TaskId> ids = rig.enqueue(tasks, "mia", "default", target.url("/"));
      rig.worker(16, LEASE).start();
      rig.worker(16, LEASE).start();
      target.awaitCount(tasks / 3, ofSeconds(30));
      redis.kill();
      next = lasting(redis.port());

      target.awaitCount(tasks, ofSeconds(60));
      for (TaskId id : ids) {
        Task task = rig.finished(id);
        assertEquals(TaskState.SUCCEEDED, task.state());
        assertEquals(1, task.attempts().size());
      }
      List<String> arrived = target.arrivals().stream().map(Arrival::task).toList();
      assertEquals(tasks, arrived.size(), "none twice");
      assertEquals(
          ids.stream().map(TaskId::toString).collect(Collectors.toSet()), new HashSet<>(arrived));
    } finally {
      next.close();
    }
  }

  @Test
  void aRedisFrozenLongerThanALeaseRunsNothingTwice() throws Exception {
    RedisServer redis = lasting(0);
    CompletableFuture<Integer> answer = new CompletableFuture<>();
    try (Target target = new Target();
        Rig rig = new Rig(redis.settings(), redis.port())) {
      target.answers(arrival -> answer);
      rig.worker(2, LEASE).start();
      rig.worker(2, LEASE).start();
      List<TaskId> ids = rig.enqueue(4, "mia", "default", target.url("/"));
      target.awaitCount(4, ofSeconds(20));

      redis.freeze();
      CompletableFuture<Void> longer =
          Target.after(LEASE.plusSeconds(2), 0).thenAccept(nothing -> {});
      longer.join(); // The time of an outage is under test.
      assertFalse(target.arrivals().stream().anyMatch(arrival -> arrival.over().isDone()));
      redis.thaw();

      Target.after(ofSeconds(3), 0).join(); // Long enough for leases to end wrongly.
      answer.complete(200);
      for (TaskId id : ids) {
        Task task = rig.finished(id);
        assertEquals(TaskState.SUCCEEDED, task.state());
        assertEquals(1, task.attempts().size());
      }
      assertEquals(4, target.count(), "none twice");
    } finally {
      redis.thaw();
      redis.close();
    }
  }
}
