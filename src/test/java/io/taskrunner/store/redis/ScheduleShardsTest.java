package io.taskrunner.store.redis;

import static io.taskrunner.store.redis.Stage.wish;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.schedule.CatchUp;
import io.taskrunner.schedule.Overlap;
import io.taskrunner.schedule.Rhythm;
import io.taskrunner.schedule.Schedule;
import io.taskrunner.store.ScheduleStore;
import io.taskrunner.store.ScheduleStore.Page;
import io.taskrunner.store.TaskStore.BadCursor;
import io.taskrunner.task.TaskId;
import io.taskrunner.testkit.RedisExtension;
import io.taskrunner.testkit.Ticks;
import io.taskrunner.testkit.Unconditional;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Schedules over many shards, under a clock that is set. */
class ScheduleShardsTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final int SHARDS = 8;
  private static final int CLIENTS = 40;
  private static final Duration MINUTE = Duration.ofMinutes(1);

  private volatile Instant now = Instant.ofEpochMilli(Stage.START);
  private RedisStore store;
  private ScheduleStore schedules;

  @BeforeEach
  void open() {
    store = another();
    schedules = store.schedules();
  }

  @AfterEach
  void close() {
    assertEquals(List.of(), store.doctor().examine(false));
    store.close();
  }

  private RedisStore another() {
    return RedisStore.openUntended(
        StoreOptions.defaults(REDIS.server().settings(SHARDS)).at(() -> now));
  }

  private boolean put(String name, String client) {
    return Unconditional.put(
        schedules,
        name,
        new Schedule.Settings(
            client,
            "default",
            new Rhythm.Every(MINUTE),
            Overlap.ALLOW,
            CatchUp.NONE,
            Duration.ZERO,
            false,
            wish().client(client).spec()));
  }

  private long tasks() {
    return store.queues().get("default").orElseThrow().stats().ready();
  }

  @Test
  void eachScheduleCreatesItsTaskOnceInTheShardOfItsClient() throws BadCursor {
    for (int i = 0; i < CLIENTS; i++) {
      assertTrue(put(String.format("s%02d", i), "client-" + i));
    }
    List<String> listed = new ArrayList<>();
    String cursor = null;
    do {
      Page page = schedules.list(7, cursor);
      assertEquals(CLIENTS, page.count());
      page.schedules().forEach(schedule -> listed.add(schedule.name()));
      cursor = page.nextCursor();
    } while (cursor != null);
    assertEquals(CLIENTS, listed.size());
    assertEquals(listed.stream().sorted().toList(), listed);

    try (RedisStore other = another()) {
      for (int minute = 1; minute <= 3; minute++) {
        now = now.plus(MINUTE);
        Ticks.tick(other.schedules());
        Ticks.tick(schedules);
        assertEquals((long) minute * CLIENTS, tasks());
      }
    }
    Set<Integer> homes = new HashSet<>();
    for (String name : listed) {
      Schedule schedule = schedules.get(name).orElseThrow();
      TaskId last = schedule.lastTask().orElseThrow();
      assertEquals(
          schedule.settings().clientId(), store.tasks().get(last).orElseThrow().clientId());
      homes.add(last.shard());
    }
    assertTrue(homes.size() > SHARDS / 2, homes::toString);
  }

  @Test
  void aScheduleMovedToAnotherClientCreatesTasksOnlyThere() {
    for (int i = 0; i < CLIENTS; i++) {
      assertEquals(i == 0, put("s", "client-" + i));
    }
    assertEquals("client-" + (CLIENTS - 1), schedules.get("s").orElseThrow().settings().clientId());
    now = now.plus(MINUTE);
    Ticks.tick(schedules);
    assertEquals(1, tasks());
    assertTrue(Unconditional.delete(schedules, "s"));
    assertFalse(Unconditional.delete(schedules, "s"));
    now = now.plus(MINUTE);
    Ticks.tick(schedules);
    assertEquals(1, tasks());
  }
}
