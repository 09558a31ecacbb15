package io.taskrunner.store.redis;

import static io.taskrunner.store.redis.Stage.WORKER;
import static io.taskrunner.store.redis.Stage.wish;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.store.QueueStore.DeadGroup;
import io.taskrunner.store.QueueStore.DeadSummary;
import io.taskrunner.store.TaskStore;
import io.taskrunner.store.TaskStore.BadCursor;
import io.taskrunner.store.TaskStore.Filter;
import io.taskrunner.store.TaskStore.Label;
import io.taskrunner.store.TaskStore.Page;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.task.AttemptError;
import io.taskrunner.task.Task;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import io.taskrunner.task.Verdict;
import io.taskrunner.testkit.RedisExtension;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Tasks are found by their targets, their results, their labels and their times. */
class SearchTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private Stage stage;

  @BeforeEach
  void open() {
    stage = Stage.open(REDIS);
    stage.client("abc", 100_000);
    stage.client("xyz", 100_000);
  }

  @AfterEach
  void close() {
    stage.proven();
    stage.close();
  }

  private static Filter of(
      @Nullable TaskState state,
      @Nullable String client,
      @Nullable String host,
      @Nullable Integer status,
      @Nullable AttemptError error) {
    return new Filter(
        null, state, client, null, host, status, error, null, null, null, null, List.of());
  }

  /** All matches, page by page. */
  private List<TaskId> all(Filter filter, int limit) {
    List<TaskId> ids = new ArrayList<>();
    String cursor = null;
    try {
      do {
        Page page = stage.store.tasks().list(filter, limit, cursor);
        assertTrue(page.tasks().size() <= limit);
        page.tasks().stream().map(Task::id).forEach(ids::add);
        cursor = page.nextCursor();
      } while (cursor != null);
    } catch (BadCursor impossible) {
      throw new AssertionError(impossible);
    }
    return ids;
  }

  private List<TaskId> all(Filter filter) {
    List<TaskId> ids = all(filter, 50);
    for (int limit : List.of(1, 2)) {
      assertEquals(ids, all(filter, limit));
    }
    return ids;
  }

  /** A task that ends in {@code dead} by a status, or by an error. */
  private TaskId dead(String client, String url, int status, @Nullable AttemptError error) {
    TaskId id = stage.enqueue(wish().client(client).url(url));
    Claim claim = stage.claim(1).getFirst();
    stage.settle(
        WORKER,
        error == null
            ? stage.verdict(claim, new Verdict.Bury(), status)
            : stage.failure(claim, new Verdict.Bury(), error));
    stage.pass(Duration.ofMillis(10));
    return id;
  }

  @Test
  void deadTasksAreFoundByHostStatusErrorAndClientNewestFirst() {
    TaskId a = dead("abc", "http://One.example/x", 404, null);
    TaskId b = dead("abc", "https://one.example/y", 503, null);
    TaskId c = dead("xyz", "http://one.example:8080/", 0, AttemptError.TIMEOUT);
    TaskId d = dead("xyz", "http://two.example/", 404, null);
    TaskState dead = TaskState.DEAD;
    assertEquals(List.of(c, b, a), all(of(dead, null, "one.example", null, null)));
    assertEquals(List.of(a), all(of(dead, null, "one.example:80", null, null)));
    assertEquals(List.of(b), all(of(null, null, "one.example:443", null, null)));
    assertEquals(List.of(d, a), all(of(dead, null, null, 404, null)));
    assertEquals(List.of(c), all(of(dead, null, null, null, AttemptError.TIMEOUT)));
    assertEquals(List.of(d, c), all(of(dead, "xyz", null, null, null)));
    assertEquals(List.of(d), all(of(dead, "xyz", null, 404, null)));
    assertEquals(List.of(), all(of(dead, "abc", "two.example", null, null)));

    assertEquals(
        Optional.of(
            new DeadSummary(
                4,
                List.of(
                    new DeadGroup("one.example:443", "http_503", 1),
                    new DeadGroup("one.example:80", "http_404", 1),
                    new DeadGroup("one.example:8080", "timeout", 1),
                    new DeadGroup("two.example:80", "http_404", 1)))),
        stage.store.queues().deadSummary("default"));
    assertEquals(Optional.empty(), stage.store.queues().deadSummary("none"));
    stage.store.tasks().retry(a);
    stage.store.queues().replayDead("default", 1L, "xyz");
    assertEquals(List.of(b), all(of(dead, null, "one.example", null, null)));
    assertEquals(2, stage.store.queues().deadSummary("default").orElseThrow().groups().size());
    stage.store.queues().dropDead("default");
    stage.pass(Duration.ofMillis(1));
    stage.store.tidy();
    assertEquals(List.of(), all(of(dead, null, "two.example", null, null)));
    assertEquals(
        new DeadSummary(0, List.of()), stage.store.queues().deadSummary("default").orElseThrow());
    assertEquals(0, stage.redis.keys("*:dead:*").size());
  }

  @Test
  void waitingTasksAreFoundByHostClientAndTimes() {
    long began = stage.now();
    List<TaskId> ids = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      ids.add(
          stage.enqueue(
              wish()
                  .client(i % 2 == 0 ? "abc" : "xyz")
                  .url("http://h" + i % 3 + ".example/")
                  .in(Duration.ofMinutes(i + 1))));
      stage.pass(Duration.ofSeconds(1));
    }
    TaskId ready = stage.enqueue(wish().client("abc").url("http://h1.example:8080/"));
    assertEquals(
        List.of(ready, ids.get(1), ids.get(4)), all(of(null, null, "h1.example", null, null)));
    assertEquals(List.of(ids.get(4)), all(of(null, "abc", "h1.example:80", null, null)));
    assertEquals(List.of(ready), all(of(TaskState.READY, "abc", null, null, null)));
    assertEquals(List.of(), all(of(TaskState.READY, "xyz", null, null, null)));
    assertEquals(
        ids.subList(1, 3),
        all(
            new Filter(
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                Instant.ofEpochMilli(began + 1000),
                Instant.ofEpochMilli(began + 3000),
                null,
                null,
                List.of())));
    assertEquals(
        ids.subList(3, 5),
        all(
            new Filter(
                "default",
                TaskState.SCHEDULED,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                Instant.ofEpochMilli(began + 4 * 60_000 + 3000),
                Instant.ofEpochMilli(began + 6 * 60_000),
                List.of())));
  }

  @Test
  void runningTasksOfOtherQueuesAreNotListed() {
    stage.enqueue(3, wish().queue("low"));
    TaskId mine = stage.enqueue(wish().queue("critical"));
    assertEquals(4, stage.claim(10).size());
    assertEquals(List.of(mine), all(new Filter("critical", TaskState.ACTIVE, null, null)));
  }

  @Test
  void anExpensivePageIsShortAndHasACursor() throws BadCursor {
    for (int i = 0; i < 20; i++) {
      stage.enqueue(250, wish().in(Duration.ofHours(1)));
    }
    TaskId last = stage.enqueue(wish().url("http://rare.example/").in(Duration.ofHours(2)));
    Filter rare = of(null, null, "rare.example", null, null);
    Page first = stage.store.tasks().list(rare, 50, null);
    assertEquals(List.of(), first.tasks());
    assertTrue(first.examined() < 5_000, first.examined() + " looked at");
    Page second = stage.store.tasks().list(rare, 50, first.nextCursor());
    assertEquals(List.of(last), second.tasks().stream().map(Task::id).toList());
    assertEquals(5_001, first.examined() + second.examined());
    assertEquals(null, second.nextCursor());
  }

  @Test
  void aPageOfLargeTasksIsShortAndOmitsNone() throws BadCursor {
    List<TaskId> ids = stage.enqueue(12, wish().body("x".repeat(300_000)).in(Duration.ofHours(1)));
    Filter waiting = of(TaskState.SCHEDULED, null, null, null, null);
    Page first = stage.store.tasks().list(waiting, 1000, null);
    int bytes = first.tasks().stream().mapToInt(task -> task.spec().request().body().length).sum();
    assertTrue(bytes <= 1_500_000, bytes + " bytes in a page");
    assertEquals(ids, all(waiting, 1000));
    assertEquals(ids, all(waiting, 1));
  }

  @Test
  void anUnreadableRecordIsOmittedFromAPage() {
    List<TaskId> ids = stage.enqueue(3, wish().labels(SEVENTEEN));
    byte[] key = Keys.bytes("tr:{0}:task:");
    byte[] whole = Arrays.copyOf(key, key.length + TaskId.BYTES);
    System.arraycopy(ids.get(1).bytes(), 0, whole, key.length, TaskId.BYTES);
    byte[] record = stage.link.patiently(redis -> redis.get(whole));
    for (int length : List.of(80, 60)) {
      stage.link.patiently(redis -> redis.set(whole, Arrays.copyOf(record, length)));
      assertEquals(List.of(ids.get(0), ids.get(2)), all(of(null, null, null, null, null)));
      assertEquals(List.of(ids.get(2), ids.get(0)), all(labeled(null, null)));
      assertEquals(2, all(of(null, null, "example.com", null, null)).size());
    }
    stage.link.patiently(redis -> redis.set(whole, record));
  }

  private long count(Filter filter) throws BadCursor {
    TaskStore.Count count = stage.store.tasks().count(filter, null);
    assertNull(count.nextCursor());
    assertTrue(count.examined() >= count.count());
    assertEquals(all(filter, 1000).size(), count.count());
    return count.count();
  }

  @Test
  void matchesAreCounted() throws BadCursor {
    stage.enqueue(300, wish().labels(SEVENTEEN));
    stage.enqueue(20, wish().client("xyz").in(Duration.ofHours(1)));
    stage.enqueue(5, wish().queue("low").url("http://other.example/").labels(SEVENTEEN));
    assertEquals(20, count(of(null, "xyz", null, null, null)));
    assertEquals(20, count(of(TaskState.SCHEDULED, null, null, null, null)));
    assertEquals(5, count(of(null, null, "other.example", null, null)));
    assertEquals(305, count(labeled(null, null)));
    assertEquals(0, count(of(null, "nobody", null, null, null)));
    stage.store.queues().purge("low");
    assertEquals(300, count(labeled(null, null)), "a purged task is not counted");
  }

  @Test
  void labelsAreFoundInEveryState() {
    TaskId a = stage.enqueue(wish().labels(Map.of("order", "17")));
    stage.enqueue(wish().labels(Map.of("order", "18")));
    TaskId b =
        stage.enqueue(
            wish().labels(Map.of("order", "17")).body("x".repeat(5000)).in(Duration.ofHours(1)));
    stage.enqueue(wish().body("\0\5order\0\00217"));
    TaskId c = stage.enqueue(wish().queue("low").client("xyz").labels(SEVENTEEN));
    assertEquals(List.of(c, b, a), all(labeled(null, null)));
    assertEquals(List.of(b, a), all(labeled("default", null)));
    assertEquals(List.of(b), all(labeled(null, TaskState.SCHEDULED)));
    assertEquals(List.of(c), all(new Filter(null, null, "xyz", new Label("order", "17"))));
    stage.claim(4).forEach(stage::succeed);
    assertEquals(List.of(c, b, a), all(labeled(null, null)));
    assertEquals(List.of(c, a), all(labeled(null, TaskState.SUCCEEDED)));
    assertEquals(List.of(), all(labeled("critical", null)));
    assertEquals(List.of(), all(labeled("none", null)));
  }

  private static final Map<String, String> SEVENTEEN = Map.of("order", "17");

  private static Filter labeled(@Nullable String queue, @Nullable TaskState state) {
    return new Filter(queue, state, null, new Label("order", "17"));
  }

  private void many(int count, Stage.Wish wish) {
    for (int left = count; left > 0; left -= 100) {
      List<Map.Entry<TaskId, Stage.Wish>> group = new ArrayList<>();
      for (int i = 0; i < Math.min(left, 100); i++) {
        group.add(Map.entry(stage.id(), wish));
      }
      stage.group(group);
      stage.pass(Duration.ofMillis(1));
    }
  }

  @Test
  void aRareLabelIsSearchedByItsIndexAndACommonOneByState() throws BadCursor {
    stage.client("abc", 100_000);
    TaskId dead = dead("abc", "http://one.example/", 404, null);
    Claim claim = deadWithLabel();
    many(TaskWalk.COMMON - 1, wish().in(Duration.ofHours(1)).labels(SEVENTEEN));
    Page rare = stage.store.tasks().list(labeled(null, TaskState.DEAD), 50, null);
    assertEquals(TaskWalk.COMMON, rare.examined());
    many(1, wish().in(Duration.ofHours(1)).labels(SEVENTEEN));
    Page common = stage.store.tasks().list(labeled(null, TaskState.DEAD), 50, null);
    assertEquals(2, common.examined());
    for (Page page : List.of(rare, common)) {
      assertEquals(List.of(claim.id()), page.tasks().stream().map(Task::id).toList());
    }
    assertEquals(TaskState.DEAD, stage.state(dead));
    Page any = stage.store.tasks().list(labeled(null, null), 50, null);
    assertEquals(50, any.examined());
    Page next = stage.store.tasks().list(labeled(null, null), 50, any.nextCursor());
    assertTrue(next.tasks().getFirst().id().compareTo(any.tasks().getLast().id()) < 0);
  }

  private Claim deadWithLabel() {
    stage.enqueue(wish().labels(SEVENTEEN));
    Claim claim = stage.claim(1).getFirst();
    stage.settle(WORKER, stage.verdict(claim, new Verdict.Bury(), 404));
    return claim;
  }
}
