package io.taskrunner.store.redis;

import static io.taskrunner.store.redis.Stage.WORKER;
import static io.taskrunner.store.redis.Stage.wish;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.client.Limits;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.record.FlowFields;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.Verdict;
import io.taskrunner.testkit.RedisExtension;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A client at its limit is parked behind all others, and unparked as soon as it has room. */
class ParkingTest {

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

  private long parked(String client) {
    return stage.redis.scard("tr:{0}:client:" + client + ":parked");
  }

  private List<TaskId> claim(int slots) {
    return stage.claim(slots).stream().map(Claim::id).toList();
  }

  @Test
  void aClientAtItsLimitDelaysNoOther() {
    stage.client("abc", 1);
    stage.enqueue(50, wish().queue("critical"));
    TaskId other = stage.enqueue(wish().client("two").queue("low"));
    assertEquals(2, claim(10).size());
    assertEquals(1, parked("abc"));
    assertEquals(0, stage.redis.exists("tr:{0}:busy"));
    assertTrue(stage.store.tasks().get(other).isPresent());
  }

  @Test
  void aFinishedTaskUnparksItsClientInEveryQueue() {
    stage.client("abc", 1);
    List<TaskId> ids = new ArrayList<>();
    for (String queue : List.of("critical", "default", "low")) {
      ids.add(stage.enqueue(wish().queue(queue)));
    }
    List<TaskId> started = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      Claim claim = stage.claim(5).getFirst();
      started.add(claim.id());
      stage.succeed(claim);
      stage.proven();
    }
    assertEquals(ids.stream().sorted().toList(), started.stream().sorted().toList());
    assertEquals(0, parked("abc"));
  }

  @Test
  void aParkedClientKeepsItsTurn() {
    stage.client("abc", 1);
    stage.client("two", 100);
    stage.enqueue(3, wish());
    stage.enqueue(20, wish().client("two"));
    Claim mine =
        stage.claim(4).stream().filter(c -> c.clientId().equals("abc")).findFirst().orElseThrow();
    stage.claim(4);
    stage.succeed(mine);
    assertEquals("abc", stage.claim(1).getFirst().clientId());
  }

  @Test
  void aCancelledOrReturnedTaskFreesAPlace() {
    stage.client("abc", 1);
    stage.enqueue(2, wish());
    Claim first = stage.claim(5).getFirst();
    assertEquals(1, parked("abc"));
    stage.settle(WORKER, stage.verdict(first, new Verdict.PutBack(Duration.ofSeconds(3)), -1));
    Claim second = stage.claim(5).getFirst();
    assertEquals(1, stage.store.queues().get("default").orElseThrow().stats().scheduled());
    stage.store.tasks().cancel(second.id());
    stage.settle(WORKER, stage.verdict(second, new Verdict.Cancel(), -1));
    stage.pass(Duration.ofSeconds(3));
    assertEquals(List.of(first.id()), claim(5));
  }

  @Test
  void cancellingTheLastTaskRemovesTheParkedEntry() {
    stage.client("abc", 1);
    stage.enqueue(wish());
    assertEquals(1, claim(1).size());
    TaskId held = stage.enqueue(wish());
    assertEquals(0, claim(1).size());
    assertEquals(1, parked("abc"));
    stage.store.tasks().cancel(held);
    assertEquals(0, parked("abc"));
    assertEquals(0, stage.redis.exists(stage.key("default", "turns")));
  }

  @Test
  void cancellingATaskThatBlocksOthersUnblocksThem() {
    stage.client("abc", 5);
    stage.enqueue(wish());
    TaskId alone = stage.enqueue(wish().limits(1, null));
    TaskId behind = stage.enqueue(wish());
    assertEquals(1, claim(5).size());
    assertEquals(1, parked("abc"));
    stage.store.tasks().cancel(alone);
    assertEquals(List.of(behind), claim(5));
  }

  /** More queues than a release lets it into at once, all paused: the next exchanges go on. */
  @Test
  void aClientParkedInMoreThanAThousandQueuesIsUnparkedInAll() {
    int queues = 1150;
    stage.client("abc", 1, Limits.MAX);
    stage.enqueue(wish());
    Claim running = stage.claim(1).getFirst();
    List<TaskId> ids = new ArrayList<>();
    for (int i = 0; i < queues; i++) {
      stage.redis.hset("tr:{config}:queues", "q" + i, Integer.toString(1000 + i));
      stage.moves.run(
          Script.PUT_QUEUE,
          1000 + i,
          FlowFields.write("q" + i, Stage.settings(1, null, null, null), 0, 1));
    }
    stage.store.everySecond();
    for (int i = 0; i < queues; i++) {
      ids.add(stage.enqueue(wish().queue("q" + i)));
    }
    while (stage.exchange(WORKER, 5).again()) {
      // each checks a thousand
    }
    assertEquals(queues, parked("abc"));
    for (int i = 0; i < queues; i++) {
      stage.moves.run(Script.PAUSE_QUEUE, Keys.bytes(1000 + i), Keys.bytes(1), new byte[0]);
    }
    stage.succeed(running);
    assertTrue(parked("abc") > queues / 2);
    stage.proven();
    for (int i = 0; i < 50 && parked("abc") > 0; i++) {
      stage.exchange(WORKER, 0);
    }
    assertEquals(0, parked("abc"));
    assertEquals(0, stage.redis.llen("tr:{0}:unparking"));
    assertEquals(queues, ids.size());
  }
}
