package io.taskrunner.store.redis;

import static io.taskrunner.store.redis.Stage.wish;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lettuce.core.api.async.RedisAsyncCommands;
import io.taskrunner.client.Limits;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.redis.link.Args;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.Reply;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.record.FlowFields;
import io.taskrunner.task.TaskId;
import io.taskrunner.testkit.RedisExtension;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Ten thousand queues: the cost of a claim does not grow with them. */
class ManyQueuesTest {

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

  private static final int QUEUES = 10_000;
  private static final int BUSY = 2_000;
  private static final int FIRST = 100;

  /** Few enough that each is answered in time on a busy machine. */
  private static final int MADE_AT_ONCE = 500;

  private static final Pattern CALLS = Pattern.compile("calls=(\\d+)");

  @BeforeEach
  void makeQueues() {
    Map<byte[], byte[]> names = new HashMap<>();
    List<Integer> some = new ArrayList<>();
    for (int i = 0; i < QUEUES; i++) {
      names.put(Keys.bytes("q" + i), Keys.bytes(FIRST + i));
      some.add(i);
      if (some.size() == MADE_AT_ONCE) {
        stage.link.each(some, this::make);
        some.clear();
      }
    }
    stage.link.patiently(redis -> redis.hset(Keys.bytes("tr:{config}:queues"), names));
    stage.store.everySecond();
    stage.client("abc", 100_000, Limits.MAX);
  }

  private CompletionStage<Reply> make(RedisAsyncCommands<byte[], byte[]> redis, int number) {
    return stage.moves.begin(
        redis,
        Script.PUT_QUEUE,
        Args.of(
            FIRST + number,
            FlowFields.write("q" + number, Stage.settings(1, null, null, null), 0, 1)));
  }

  /** How many commands Redis has run. */
  private long commands() {
    long sum = 0;
    Matcher calls = CALLS.matcher(stage.redis.info("commandstats"));
    while (calls.find()) {
      sum += Long.parseLong(calls.group(1));
    }
    return sum;
  }

  @Test
  void tasksInThreeOfManyQueuesAreFoundImmediately() {
    List<TaskId> ids = new ArrayList<>();
    for (int i : List.of(7, 5000, 9999)) {
      ids.add(stage.enqueue(wish().queue("q" + i)));
    }
    long before = commands();
    List<Claim> claims = stage.claim(10);
    long spent = commands() - before;
    assertEquals(new HashSet<>(ids), new HashSet<>(claims.stream().map(Claim::id).toList()));
    assertTrue(spent < 100, spent + " commands for a claim of three");
    before = commands();
    assertEquals(0, stage.claim(10).size());
    assertTrue(commands() - before < 30, "an empty claim is cheap");
  }

  @Test
  void tasksInTwoThousandQueuesAreServedInTurn() {
    List<Map.Entry<TaskId, Stage.Wish>> group = new ArrayList<>();
    for (int i = 0; i < BUSY; i++) {
      group.add(Map.entry(stage.id(), wish().queue("q" + i).retention(Duration.ZERO)));
      group.add(Map.entry(stage.id(), wish().queue("q" + i).retention(Duration.ZERO)));
      if (group.size() == 100) {
        stage.group(group);
        group.clear();
      }
    }
    assertEquals(BUSY, stage.redis.zcard("tr:{0}:busy"));
    long before = commands();
    Set<String> seen = new HashSet<>();
    for (int given = 0; given < BUSY; ) {
      List<Claim> claims = stage.claim(Math.min(100, BUSY - given));
      assertTrue(claims.size() > 30, claims.size() + " in a claim");
      claims.forEach(claim -> seen.add(claim.queue()));
      given += claims.size();
    }
    long each = (commands() - before) / BUSY;
    assertEquals(BUSY, seen.size());
    assertTrue(each <= 9, each + " commands for each task");
  }
}
