package io.taskrunner.store.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.store.CloudStore;
import io.taskrunner.store.CloudStore.CloudTask;
import io.taskrunner.store.CloudStore.Found;
import io.taskrunner.store.CloudStore.NewTask;
import io.taskrunner.store.CloudStore.QueueName;
import io.taskrunner.store.CloudStore.Retries;
import io.taskrunner.store.CloudStore.Settings;
import io.taskrunner.store.CloudStore.TaskMade;
import io.taskrunner.store.TaskStore.BadCursor;
import io.taskrunner.store.TaskStore.Moved;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.WorkStore.Exchange;
import io.taskrunner.store.WorkStore.Running;
import io.taskrunner.store.WorkStore.Settled;
import io.taskrunner.store.WorkStore.Settlement;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.Verdict;
import io.taskrunner.testkit.RedisExtension;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Random histories of a queue of Cloud Tasks, compared with a model. A failure prints its seed. */
class CloudHistoryTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final QueueName QUEUE = new QueueName("p", "l", "q");
  private static final int STEPS = 700;
  private static final List<String> NAMES = List.of("a", "b", "c", "d", "e", "f");

  private enum Stands {
    WAITS,
    CALLED,
    RUNS,
    OVER
  }

  /** A task in the model. */
  private static final class Item {
    final CloudTask made;
    final boolean named;
    final boolean keeps;
    Stands stands = Stands.WAITS;
    boolean dead;
    long due;
    int dispatches;

    Item(CloudTask made, boolean named, boolean keeps) {
      this.made = made;
      this.named = named;
      this.keeps = keeps;
      this.due = made.due().toEpochMilli();
    }
  }

  /** Running attempts, including those of tasks that are over by now. */
  private record Held(Claim claim, int worker) {}

  private final Map<TaskId, Item> items = new LinkedHashMap<>();
  private final Map<String, Item> names = new HashMap<>();
  private final Map<TaskId, Held> held = new LinkedHashMap<>();
  private Stage stage;
  private CloudStore cloud;
  private Random random;
  private boolean paused;
  private int concurrent = 1000;

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void everyReplyMatchesTheModel(long seed) throws BadCursor {
    random = new Random(seed);
    try (Stage fresh = Stage.open(REDIS)) {
      stage = fresh;
      cloud = fresh.store.cloud();
      cloud.make(QUEUE, settings(), Duration.ZERO);
      for (int step = 0; step < STEPS; step++) {
        act();
        look();
        if (step % 25 == 0) {
          stage.proven();
        }
      }
      finish();
      stage.proven();
    } catch (AssertionError failed) {
      throw new AssertionError("seed " + seed + ": " + failed.getMessage(), failed);
    }
  }

  private Settings settings() {
    Retries retries =
        new Retries(-1, Duration.ZERO, Duration.ofMillis(10), Duration.ofSeconds(1), 3);
    return new Settings(500, 500, concurrent, retries, new byte[0]);
  }

  private void act() {
    switch (random.nextInt(40)) {
      case 0 -> {
        paused = !paused;
        cloud.pause(QUEUE, paused);
      }
      case 1 -> {
        if (random.nextInt(3) == 0) {
          purge();
        }
      }
      case 2 -> {
        concurrent = random.nextBoolean() ? 2 : 1000;
        cloud.change(QUEUE, settings());
      }
      case 3 -> crash();
      case 4 -> stage.store.tidy();
      case 5, 6, 7, 8 -> pass(random.nextInt(2000));
      case 9, 10, 11 -> delete();
      case 12, 13, 14 -> run();
      case 15 -> revive();
      case 16 -> cancel();
      case 17, 18, 19, 20, 21, 22, 23, 24 -> claim(1 + random.nextInt(3));
      case 25, 26, 27, 28, 29, 30 -> settle();
      default -> create();
    }
  }

  private @Nullable Item any(boolean alive) {
    List<Item> some =
        items.values().stream().filter(item -> (item.stands != Stands.OVER) == alive).toList();
    return some.isEmpty() ? null : some.get(random.nextInt(some.size()));
  }

  private void create() {
    String name = random.nextBoolean() ? NAMES.get(random.nextInt(NAMES.size())) : null;
    boolean keeps = random.nextInt(3) == 0;
    Instant due =
        random.nextBoolean()
            ? null
            : Instant.ofEpochMilli(stage.now() + random.nextInt(3000) - 500);
    TaskMade answer =
        cloud
            .create(
                new NewTask(
                    QUEUE,
                    name,
                    due,
                    Stage.wish().retention(Duration.ZERO).spec(),
                    new byte[0],
                    keeps ? Duration.ofHours(1) : Duration.ZERO))
            .join();
    Item other = name == null ? null : names.get(name);
    if (other != null && (other.stands != Stands.OVER || other.keeps)) {
      assertInstanceOf(TaskMade.Exists.class, answer);
      return;
    }
    CloudTask made = assertInstanceOf(TaskMade.Made.class, answer).task();
    Item item = new Item(made, name != null, keeps);
    items.put(made.taskId(), item);
    if (name != null) {
      names.put(name, item);
    }
  }

  private void over(Item item, boolean dead) {
    item.stands = Stands.OVER;
    item.dead = dead;
  }

  private void claim(int worker) {
    Exchange exchange = stage.exchange(Stage.worker(worker), random.nextInt(4), random.nextInt(3));
    for (Claim claim : exchange.claims()) {
      Item item = items.get(claim.id());
      if (claim.express()) {
        assertEquals(Stands.CALLED, item.stands);
      } else {
        assertEquals(Stands.WAITS, item.stands);
        assertFalse(paused, "paused");
        assertTrue(item.due <= stage.now(), "early");
        item.dispatches++;
      }
      item.stands = Stands.RUNS;
      assertEquals(item.dispatches, claim.start().attempt());
      held.put(claim.id(), new Held(claim, worker));
    }
    long counted = held.values().stream().filter(one -> !one.claim().express()).count();
    assertEquals(counted, stage.queueCounts(QUEUE.toString()).running());
  }

  private void settle() {
    if (held.isEmpty()) {
      return;
    }
    TaskId id = List.copyOf(held.keySet()).get(random.nextInt(held.size()));
    Held one = held.remove(id);
    Item item = items.get(id);
    int kind = random.nextInt(8);
    Verdict verdict =
        switch (kind) {
          case 0, 1, 2 -> new Verdict.Retry(Duration.ofMillis(40));
          case 3 -> new Verdict.Bury();
          case 4 -> new Verdict.PutBack(Duration.ZERO);
          default -> new Verdict.Succeed();
        };
    Settlement settlement = stage.verdict(one.claim(), verdict, kind == 4 ? -1 : 200);
    assertEquals(Settled.DONE, stage.settle(Stage.worker(one.worker()), settlement));
    if (item.stands != Stands.RUNS) {
      return; // it was dropped, and stays so
    }
    switch (verdict) {
      case Verdict.Retry _ -> {
        item.stands = Stands.WAITS;
        item.due = stage.now() + 40;
      }
      case Verdict.PutBack _ -> {
        item.stands = one.claim().express() ? Stands.CALLED : Stands.WAITS;
        item.dispatches -= one.claim().express() ? 0 : 1;
      }
      case Verdict.Bury _ -> over(item, true);
      default -> over(item, false);
    }
  }

  private void run() {
    Item item = any(true);
    if (item == null) {
      return;
    }
    CloudTask told = assertInstanceOf(Found.Task.class, find(item, Way.RUN)).task();
    if (item.stands == Stands.WAITS) {
      item.stands = Stands.CALLED;
      item.dispatches++;
      item.due = stage.now();
    }
    assertEquals(item.dispatches, told.dispatches());
  }

  private enum Way {
    LOOK,
    RUN,
    DELETE
  }

  private Found find(Item item, Way way) {
    return switch (way) {
      case LOOK -> cloud.task(QUEUE, item.made.id());
      case RUN -> cloud.run(QUEUE, item.made.id());
      case DELETE -> cloud.delete(QUEUE, item.made.id());
    };
  }

  private void delete() {
    Item item = any(true);
    // A retried task may have lost its name to another.
    if (item != null && reachable(item)) {
      assertInstanceOf(Found.Task.class, find(item, Way.DELETE));
      over(item, false);
    }
  }

  private boolean reachable(Item item) {
    return !item.named || names.get(item.made.id()) == item;
  }

  private void purge() {
    cloud.purge(QUEUE);
    items.values().stream()
        .filter(item -> item.stands != Stands.OVER)
        .forEach(item -> over(item, false));
  }

  private void cancel() {
    Item item = any(true);
    if (item != null && item.stands == Stands.WAITS) {
      assertInstanceOf(Moved.Done.class, stage.store.tasks().cancel(item.made.taskId()));
      over(item, false);
    }
  }

  private void revive() {
    Item item = any(false);
    if (item != null && item.dead && (!item.named || names.get(item.made.id()) == item)) {
      assertInstanceOf(Moved.Done.class, stage.store.tasks().retry(item.made.taskId()));
      item.dead = false;
      item.stands = Stands.WAITS;
      item.dispatches = 0;
      item.due = stage.now();
    }
  }

  private void pass(int millis) {
    stage.pass(Duration.ofMillis(millis));
    for (int worker = 1; worker <= 3; worker++) {
      int at = worker;
      List<Running> running =
          held.values().stream()
              .filter(one -> one.worker() == at)
              .map(one -> new Running(one.claim().id(), one.claim().number()))
              .toList();
      assertEquals(
          List.of(), stage.store.works().getFirst().renew(Stage.worker(at), Stage.LEASE, running));
      stage.exchange(Stage.worker(at), 0);
    }
  }

  /** All workers are gone, for long enough; a wake-up is still due for unclaimed tasks. */
  private void crash() {
    Set<TaskId> lost = new HashSet<>();
    for (int i = 0; i < 8; i++) {
      stage.pass(Duration.ofSeconds(10));
      stage.exchange(Stage.worker(4), 0).recovered().forEach(one -> lost.add(one.id()));
    }
    for (TaskId id : held.keySet()) {
      Item item = items.get(id);
      if (item.stands == Stands.RUNS) {
        assertTrue(lost.contains(id), "a lease that never ends");
        item.stands = Stands.WAITS;
        item.due = 0;
      }
    }
    held.clear();
  }

  private void look() throws BadCursor {
    Set<TaskId> alive = new HashSet<>();
    for (Item item : items.values()) {
      if (item.stands != Stands.OVER) {
        alive.add(item.made.taskId());
      }
    }
    Set<TaskId> listed = new HashSet<>();
    for (CloudTask task : cloud.tasks(QUEUE, null, 1000).orElseThrow().tasks()) {
      assertTrue(listed.add(task.taskId()));
      assertEquals(items.get(task.taskId()).dispatches, task.dispatches());
    }
    assertEquals(alive, listed);
    Item item = any(random.nextBoolean());
    if (item == null || !reachable(item)) {
      return;
    }
    Found found = find(item, Way.LOOK);
    if (item.stands != Stands.OVER) {
      CloudTask task = assertInstanceOf(Found.Task.class, found).task();
      assertEquals(item.made.taskId(), task.taskId());
      assertEquals(
          item.stands == Stands.RUNS || item.stands == Stands.CALLED,
          task.last().map(last -> last.ended().isEmpty()).orElse(false));
    } else if (item.named && item.keeps) {
      assertInstanceOf(Found.Over.class, found);
    } else {
      assertInstanceOf(Found.Nothing.class, found);
    }
  }

  /** All remaining tasks can be performed, and then none is left. */
  private void finish() throws BadCursor {
    cloud.pause(QUEUE, false);
    paused = false;
    concurrent = 1000;
    cloud.change(QUEUE, settings());
    crash();
    List<Claim> claims = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      stage.pass(Duration.ofMillis(100));
      claims.addAll(stage.exchange(Stage.WORKER, 100, 2).claims());
    }
    for (Claim claim : claims) {
      assertEquals(Settled.DONE, stage.succeed(claim));
      over(items.get(claim.id()), false);
    }
    look();
    assertTrue(items.values().stream().allMatch(item -> item.stands == Stands.OVER));
    stage.store.tidy();
    assertEquals(0, stage.redis.exists("tr:{0}:express", "tr:{0}:leases"));
  }
}
