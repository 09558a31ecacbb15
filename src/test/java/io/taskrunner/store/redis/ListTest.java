package io.taskrunner.store.redis;

import static io.taskrunner.store.redis.Stage.WORKER;
import static io.taskrunner.store.redis.Stage.wish;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.taskrunner.store.TaskStore.BadCursor;
import io.taskrunner.store.TaskStore.Filter;
import io.taskrunner.store.TaskStore.Page;
import io.taskrunner.store.TaskStore.View;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.task.Task;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import io.taskrunner.task.Verdict;
import io.taskrunner.testkit.RedisExtension;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Lists of tasks: their order, their filters, and their pages. */
class ListTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private Stage stage;

  @BeforeEach
  void open() {
    stage = Stage.open(REDIS);
  }

  @AfterEach
  void close() {
    stage.proven();
    stage.close();
  }

  private List<TaskId> list(
      @Nullable String queue, @Nullable TaskState state, @Nullable String client, int limit)
      throws BadCursor {
    List<TaskId> found = new ArrayList<>();
    Filter filter = new Filter(queue, state, client, null);
    String cursor = null;
    do {
      Page page = stage.store.tasks().list(filter, limit, cursor);
      page.tasks().forEach(task -> found.add(task.id()));
      cursor = page.nextCursor();
    } while (cursor != null);
    return found;
  }

  @Test
  void scheduledTasksAreListedByDueTimeInPagesOfAnySize() throws BadCursor {
    List<TaskId> ids = new ArrayList<>();
    for (int i = 0; i < 11; i++) {
      ids.addFirst(stage.enqueue(wish().client("client" + i % 3).in(Duration.ofSeconds(50 - i))));
    }
    for (int limit : List.of(1, 2, 3, 10, 11, 12)) {
      assertEquals(ids, list("default", TaskState.SCHEDULED, null, limit));
    }
    assertEquals(List.of(), list("default", TaskState.RETRY, null, 3));
  }

  @Test
  void tasksOfTheSameMomentAreEachListedOnce() throws BadCursor {
    List<TaskId> ids = stage.enqueue(25, wish().in(Duration.ofSeconds(5)));
    assertEquals(ids.stream().sorted().toList(), list("default", null, null, 4));
  }

  @Test
  void readyTasksAreListedByClientAndDueTime() throws BadCursor {
    TaskId two = stage.enqueue(wish().client("two").at(5));
    TaskId oneLater = stage.enqueue(wish().client("one"));
    stage.pass(Duration.ofSeconds(1));
    TaskId oneLast = stage.enqueue(wish().client("one"));
    for (int limit : List.of(1, 2, 5)) {
      assertEquals(List.of(oneLater, oneLast, two), list("default", TaskState.READY, null, limit));
    }
    assertEquals(List.of(two), list(null, TaskState.READY, "two", 1));
  }

  @Test
  void finishedTasksAreListedNewestFirst() throws BadCursor {
    stage.client("abc", 10);
    stage.enqueue(5, wish());
    List<TaskId> ids = new ArrayList<>();
    for (Claim claim : stage.claim(5)) {
      stage.pass(Duration.ofMillis(1));
      stage.settle(WORKER, stage.verdict(claim, new Verdict.Bury(), 400));
      ids.addFirst(claim.id());
    }
    for (int limit : List.of(1, 2, 5)) {
      assertEquals(ids, list("default", TaskState.DEAD, null, limit));
    }
  }

  @Test
  void aPageContinuesAfterTasksWereRemoved() throws BadCursor {
    List<TaskId> ids = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      ids.add(stage.enqueue(wish().in(Duration.ofSeconds(i + 1))));
    }
    Filter filter = new Filter("default", TaskState.SCHEDULED, null, null);
    Page first = stage.store.tasks().list(filter, 2, null);
    stage.store.tasks().cancel(ids.get(1));
    stage.store.tasks().cancel(ids.get(2));
    Page second = stage.store.tasks().list(filter, 2, first.nextCursor());
    assertEquals(ids.subList(3, 5), second.tasks().stream().map(Task::id).toList());
  }

  @Test
  void aBasicViewHasNeitherBodiesNorAttemptsAndItsPagesAreAsLongAsAsked() throws BadCursor {
    String body = "x".repeat(500_000);
    for (int i = 0; i < 5; i++) {
      stage.enqueue(wish().in(Duration.ofSeconds(i + 1)).body(body));
    }
    Filter filter = new Filter("default", TaskState.SCHEDULED, null, null);
    Page page = stage.store.tasks().list(filter, 50, null, View.BASIC);
    assertEquals(5, page.tasks().size());
    for (Task task : page.tasks()) {
      Task whole = stage.store.tasks().get(task.id()).orElseThrow();
      assertEquals(0, task.spec().request().body().length);
      assertEquals(body.length(), whole.spec().request().body().length);
      assertEquals(whole.spec().request().url(), task.spec().request().url());
      assertEquals(whole.scheduled(), task.scheduled());
      assertEquals(whole.due(), task.due());
    }
  }

  @Test
  void purgedTasksAreNotListed() throws BadCursor {
    stage.enqueue(3, wish());
    stage.enqueue(3, wish().in(Duration.ofSeconds(4)));
    TaskId other = stage.enqueue(wish().queue("low"));
    stage.store.queues().purge("default");
    assertEquals(List.of(other), list(null, null, null, 10));
  }

  /** The text of its filter must be the same in every process, so it is written out here. */
  @Test
  void aCursorWorksOnEveryReplica() throws BadCursor {
    stage.enqueue(2, wish().in(Duration.ofSeconds(5)));
    Filter filter = new Filter("default", TaskState.SCHEDULED, null, null);
    String cursor = stage.store.tasks().list(filter, 1, null).nextCursor();
    String text = new String(Base64.getUrlDecoder().decode(cursor), StandardCharsets.UTF_8);
    assertEquals("3ef79249", text.lines().findFirst().orElseThrow());
    assertEquals(1, stage.store.tasks().list(filter, 1, cursor).tasks().size());
  }

  @Test
  void aCursorOfAnotherFilterIsRejected() throws BadCursor {
    stage.enqueue(3, wish());
    Page page = stage.store.tasks().list(new Filter("default", null, null, null), 1, null);
    assertThrows(
        BadCursor.class,
        () ->
            stage
                .store
                .tasks()
                .list(new Filter("default", TaskState.READY, null, null), 1, page.nextCursor()));
    assertThrows(
        BadCursor.class,
        () -> stage.store.tasks().list(new Filter("default", null, null, null), 1, "x"));
  }
}
