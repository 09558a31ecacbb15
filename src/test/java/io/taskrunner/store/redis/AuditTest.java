package io.taskrunner.store.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.ScriptOutputType;
import io.taskrunner.store.AuditStore;
import io.taskrunner.store.AuditStore.Change;
import io.taskrunner.store.AuditStore.Entry;
import io.taskrunner.store.AuditStore.Page;
import io.taskrunner.store.TaskStore.BadCursor;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.Moves;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.testkit.RedisExtension;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The audit trail: its entries, their retention, and their order. */
class AuditTest {

  private static final String KEY = "tr:{config}:audit";

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private Stage stage;
  private AuditStore audits;

  @BeforeEach
  void open() {
    stage = Stage.open(REDIS);
    audits = stage.store.audits();
  }

  @AfterEach
  void close() {
    stage.close();
  }

  private void add(String who, String what) {
    audits.add(new Change(who, what, "request", Map.of("queue", "low", "who", "not me")));
  }

  private List<String> told(Page page) {
    return page.entries().stream()
        .map(entry -> entry.change().who() + ": " + entry.change().what())
        .toList();
  }

  @Test
  void theNewestEntryIsFirstAndComplete() throws BadCursor {
    add("root", "queue paused");
    stage.pass(Duration.ofSeconds(1));
    add("abc/key", "task run");
    List<Entry> entries = audits.list(null, null, 10, null).entries();
    assertEquals(
        new Change("abc/key", "task run", "request", Map.of("queue", "low", "who", "not me")),
        entries.getFirst().change());
    assertEquals(
        Duration.ofSeconds(1),
        Duration.between(entries.getLast().time(), entries.getFirst().time()));
  }

  @Test
  void pagesContinueWithAFilter() throws BadCursor {
    for (int i = 0; i < 1200; i++) {
      add(i % 400 == 7 ? "ci" : "root", "queue changed " + i);
    }
    add("ci-two", "queue changed");
    List<String> all = new ArrayList<>();
    String cursor = null;
    do {
      Page page = audits.list("ci", "queue changed", 1, cursor);
      all.addAll(told(page));
      cursor = page.nextCursor();
    } while (cursor != null);
    assertEquals(
        List.of("ci: queue changed 807", "ci: queue changed 407", "ci: queue changed 7"), all);
    assertEquals(List.of(), told(audits.list("c", null, 1, null)));
    assertEquals(List.of(), told(audits.list(null, "queue change", 1, null)));
    assertEquals(1201, audits.list(null, "queue", 10_000, null).entries().size());
    assertThrows(BadCursor.class, () -> audits.list(null, null, 1, "x"));
    assertThrows(BadCursor.class, () -> audits.list(null, null, 1, "1-1 2"));
  }

  @Test
  void changesOfAClientAreFoundByItsIdForAnyKey() throws BadCursor {
    add("abc/one", "a");
    add("abc/two", "b");
    add("abcd/one", "c");
    assertEquals(List.of("abc/two: b", "abc/one: a"), told(audits.list("abc", null, 9, null)));
    assertEquals(List.of("abc/one: a"), told(audits.list("abc/one", null, 9, null)));
  }

  @Test
  void theTrailIsBoundedInNumberAndAge() throws BadCursor {
    add("root", "first");
    stage.redis.eval(
        "for i = 1, 10000 do redis.call('XADD', KEYS[1], '1900000000000-' .. i, 'what', 'filler') end",
        ScriptOutputType.STATUS,
        KEY);
    add("root", "last"); // Its id is above theirs, though the clock is behind them.
    assertEquals(AuditStore.ENTRIES_MAX, stage.redis.xlen(KEY));
    assertEquals(List.of("root: last"), told(audits.list("root", null, 9, null)));
    assertEquals(
        "1900000000000-10001",
        stage.redis.xrevrange(KEY, Range.unbounded(), Limit.create(0, 1)).getFirst().getId());
  }

  @Test
  void oldEntriesAreHiddenAndDroppedByTheNextEntry() throws BadCursor {
    add("root", "old");
    stage.pass(AuditStore.KEPT.minusMillis(1));
    assertEquals(List.of("root: old"), told(audits.list(null, null, 9, null)));
    stage.pass(Duration.ofMillis(2));
    assertEquals(List.of(), told(audits.list(null, null, 9, null)));
    assertEquals(1, stage.redis.xlen(KEY));
    add("root", "new");
    assertEquals(1, stage.redis.xlen(KEY));
  }

  @Test
  void aRepeatedEntryIsStoredOnce() {
    byte[][] args = {
      Keys.bytes("word"), Keys.bytes(10), Keys.bytes(1000), Keys.bytes("who"), Keys.bytes("root")
    };
    InstantSource clock = () -> Instant.ofEpochMilli(stage.now());
    Moves moves = new Moves(stage.link, Keys.config("tr"), Optional.of(clock));
    for (int i = 0; i < 2; i++) {
      moves.run(Script.AUDIT, args);
      add("root", "between");
    }
    assertEquals(3, stage.redis.xlen(KEY));
  }

  @Test
  void entriesAreWrittenWhenMemoryIsFull() throws BadCursor {
    stage.redis.configSet("maxmemory", "1");
    try {
      add("root", "queue purged");
      assertEquals(List.of("root: queue purged"), told(audits.list(null, null, 9, null)));
    } finally {
      stage.redis.configSet("maxmemory", "0");
    }
  }
}
