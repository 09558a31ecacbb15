package io.taskrunner.store.redis;

import static io.taskrunner.store.redis.Stage.wish;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.store.TargetHost;
import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.store.WorkStore.Settled;
import io.taskrunner.store.WorkStore.Settlement;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import io.taskrunner.task.Verdict;
import io.taskrunner.testkit.RedisExtension;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What claims do with hosts that have limits: the scripts alone, with permits that a test gives.
 */
class HostsTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final String HOST = "narrow.example.com";
  private static final String NARROW = "http://narrow.example.com/a";
  private static final String WIDE = "http://wide.example.com/a";
  private static final long LEASE_MILLIS = 30_000;
  private static final byte[] WORKER = Keys.worker(Stage.WORKER);

  private Stage stage;
  private long requests;

  @BeforeEach
  void open() {
    stage = Stage.open(REDIS);
    stage.client("abc", 1000);
  }

  @AfterEach
  void close() {
    stage.close();
  }

  private void limit(String host, @Nullable Integer maxConcurrent, @Nullable Double perSec) {
    stage.store.hosts().put(new TargetHost(host, maxConcurrent, perSec, 0));
  }

  /** What a claim was answered. */
  private record Claimed(
      boolean again,
      List<TaskId> tasks,
      Map<TaskId, Long> claims,
      Map<String, Long> wanted,
      Map<TaskId, String> under) {}

  @SuppressWarnings("unchecked")
  private Claimed claim(long request, int slots, Map<String, Integer> brought) {
    List<byte[]> args = new ArrayList<>();
    args.add(Keys.bytes(Stage.WORKER));
    args.add(WORKER);
    args.add(Keys.bytes(request));
    args.add(Keys.bytes(slots));
    args.add(Keys.bytes(LEASE_MILLIS));
    args.add(Keys.bytes(Stage.MAX_RETRIES));
    args.add(Keys.bytes(3));
    args.add(Keys.bytes(30_000));
    args.add(Keys.bytes(0));
    brought.forEach((what, count) -> {
      args.add(Keys.bytes(what));
      args.add(Keys.bytes(count));
    });
    List<Object> reply = stage.moves.run(Script.CLAIM, args.toArray(byte[][]::new));
    List<TaskId> tasks = new ArrayList<>();
    Map<TaskId, Long> claims = new HashMap<>();
    List<Object> given = (List<Object>) reply.get(6);
    for (int i = 0; i < given.size(); i += 2) {
      TaskId id = TaskId.of((byte[]) given.get(i));
      tasks.add(id);
      claims.put(id, TaskCodec.decode((byte[]) given.get(i + 1)).claim());
    }
    Map<String, Long> wanted = new HashMap<>();
    List<Object> wants = (List<Object>) reply.get(10);
    for (int i = 0; i < wants.size(); i += 2) {
      wanted.put(Keys.text((byte[]) wants.get(i)), (Long) wants.get(i + 1));
    }
    Map<TaskId, String> under = new HashMap<>();
    List<Object> hosts = (List<Object>) reply.get(12);
    for (int i = 0; i < hosts.size(); i += 2) {
      under.put(TaskId.of((byte[]) hosts.get(i)), Keys.text((byte[]) hosts.get(i + 1)));
    }
    boolean again = Keys.text((byte[]) reply.get(3)).equals("1");
    return new Claimed(again, tasks, claims, wanted, under);
  }

  private Claimed claim(int slots, Map<String, Integer> brought) {
    return claim(++requests, slots, brought);
  }

  private static final Map<String, Integer> FULL = Map.of("f:" + HOST, 0);

  private static Map<String, Integer> permits(int count) {
    return Map.of("h:" + HOST, count, "n:" + HOST, count);
  }

  private long waiting() {
    return stage.store.hosts().get(HOST).orElseThrow().waiting();
  }

  @Test
  void whatGoesToSuchAHostIsPassedOverUntilItIsKnownWhetherThereIsRoom() {
    limit(HOST, 2, null);
    List<TaskId> narrow = stage.enqueue(3, wish().url(NARROW));
    TaskId other = stage.enqueue(wish().client("other").url(WIDE));
    Claimed first = claim(10, Map.of());
    assertEquals(List.of(other), first.tasks());
    assertEquals(Map.of("h:" + HOST, 3L), first.wanted());
    assertEquals(Map.of(), first.under());
    assertEquals(TaskState.READY, stage.state(narrow.getFirst()));
    Claimed second = claim(10, permits(2));
    assertEquals(narrow.subList(0, 2), second.tasks());
    assertEquals(Map.of(narrow.get(0), "h:" + HOST, narrow.get(1), "h:" + HOST), second.under());
    stage.proven();
  }

  @Test
  void whatGoesToAFullHostLetsOthersPass() {
    limit(HOST, 1, null);
    List<TaskId> narrow = stage.enqueue(25, wish().url(NARROW));
    List<TaskId> wide = stage.enqueue(5, wish().url(WIDE));
    assertEquals(List.of(), claim(10, Map.of()).tasks(), "they stand before the others");
    Claimed full = claim(10, FULL);
    assertEquals(wide, full.tasks());
    assertEquals(Map.of(), full.wanted(), "it is known to be full");
    assertEquals(25, waiting());
    assertEquals(TaskState.SCHEDULED, stage.state(narrow.getFirst()));
    assertEquals(25, stage.store.queues().get("default").orElseThrow().stats().scheduled());
    stage.proven();
    stage.pass(Duration.ofDays(2));
    Claimed known = claim(10, Map.of());
    assertEquals(List.of(), known.tasks());
    assertEquals(Map.of("h:" + HOST, 25L), known.wanted());
    assertEquals(narrow.subList(0, 3), claim(10, permits(3)).tasks(), "in their order");
    assertEquals(22, waiting());
    stage.proven();
  }

  @Test
  void aPermitThatNoTaskIsFoundForIsLeft() {
    limit(HOST, 5, null);
    TaskId one = stage.enqueue(wish().url(NARROW));
    Claimed claimed = claim(10, permits(5));
    assertEquals(List.of(one), claimed.tasks());
    assertEquals(Map.of(one, "h:" + HOST), claimed.under());
  }

  @Test
  void aRepeatedClaimTellsTheSame() {
    limit(HOST, 1, null);
    TaskId one = stage.enqueue(wish().url(NARROW));
    Claimed first = claim(10, permits(1));
    Claimed same = claim(requests, 10, permits(1));
    assertEquals(List.of(one), same.tasks());
    assertEquals(first.under(), same.under());
  }

  @Test
  void aPortHasLimitsOfItsOwnAndTheOthersShareThose() {
    limit(HOST, 1, null);
    limit(HOST + ":8080", 1, null);
    TaskId plain = stage.enqueue(wish().url("http://" + HOST + "/"));
    TaskId dotted = stage.enqueue(wish().url("https://" + HOST + "./"));
    TaskId port = stage.enqueue(wish().url("http://" + HOST + ":8080/"));
    TaskId dottedPort = stage.enqueue(wish().url("http://" + HOST + ".:8080/"));
    Claimed claimed = claim(10, Map.of("h:" + HOST, 2, "h:" + HOST + ":8080", 2));
    assertEquals(
        Map.of(
            plain,
            "h:" + HOST,
            dotted,
            "h:" + HOST,
            port,
            "h:" + HOST + ":8080",
            dottedPort,
            "h:" + HOST + ":8080"),
        claimed.under());
  }

  @Test
  void theDotThatMayEndAHostIsNoOtherHost() {
    limit(HOST + ":8080", 1, null);
    stage.enqueue(wish().url("http://" + HOST + ".:8080/"));
    claim(10, Map.of("f:" + HOST + ":8080", 0));
    assertEquals(1, stage.store.hosts().get(HOST + ":8080").orElseThrow().waiting());
    stage.proven();
  }

  @Test
  void whatWaitsForAHostIsCalledOffPurgedMovedAndRunAsAnyOther() {
    limit(HOST, 1, null);
    stage.queue("side", 1);
    List<TaskId> ids = stage.enqueue(4, wish().url(NARROW));
    stage.enqueue(3, wish().queue("side").url(NARROW));
    claim(10, FULL);
    assertEquals(7, waiting());
    stage.store.tasks().cancel(ids.get(0));
    stage.store.tasks().runNow(ids.get(1));
    stage.proven();
    assertEquals(TaskState.CANCELLED, stage.state(ids.get(0)));
    assertEquals(TaskState.READY, stage.state(ids.get(1)));
    stage.store.queues().purge("side");
    claim(10, FULL);
    stage.proven();
    Claimed claimed = claim(10, permits(10));
    assertEquals(Set.of(ids.get(1), ids.get(2), ids.get(3)), new HashSet<>(claimed.tasks()));
    assertEquals(0, waiting());
    stage.proven();
  }

  @Test
  void withoutLimitsAllGoAtOnce() {
    limit(HOST, 1, null);
    List<TaskId> ids = stage.enqueue(450, wish().url(NARROW));
    while (waiting() < ids.size()) {
      claim(10, FULL);
    }
    assertTrue(stage.store.hosts().delete(HOST));
    assertFalse(stage.store.hosts().delete(HOST));
    Claimed first = claim(1000, Map.of());
    assertEquals(200, first.tasks().size(), "so many are let back by one claim");
    assertTrue(first.again());
    Claimed second = claim(1000, Map.of());
    Claimed third = claim(1000, Map.of());
    assertEquals(250, second.tasks().size() + third.tasks().size());
    assertFalse(third.again());
    stage.proven();
    assertEquals(0, stage.redis.exists("tr:{0}:held", "tr:{0}:held:" + HOST, "tr:{0}:hosts"));
  }

  @Test
  void aLongLineForAFullHostIsSetAsideBitByBitAndOthersGetTheirTurns() {
    limit(HOST, 1, null);
    stage.queue("other", 3);
    stage.enqueue(1000, wish().url(NARROW));
    stage.enqueue(100, wish().queue("other").url(WIDE));
    Claimed first = claim(50, FULL);
    assertTrue(first.again());
    assertTrue(waiting() <= 250, "set aside in one claim: " + waiting());
    assertTrue(first.tasks().size() >= 15, "others: " + first.tasks().size());
    stage.proven();
  }

  @Test
  void aClientAtItsLimitKeepsNoPermitFromOthers() {
    limit(HOST, 10, null);
    stage.client("small", 1);
    stage.enqueue(30, wish().client("small").url(NARROW));
    List<TaskId> others = stage.enqueue(2, wish().url(NARROW));
    while (waiting() < 32) {
      claim(10, FULL);
    }
    Claimed claimed = claim(10, permits(3));
    assertEquals(3, claimed.tasks().size());
    assertTrue(claimed.tasks().containsAll(others));
    stage.proven();
  }

  @Test
  void whatIsHeldByNobodyIsFoundAndMended() {
    limit(HOST, 1, null);
    TaskId id = stage.enqueue(wish().url(NARROW));
    claim(1, FULL);
    stage.redis.srem("tr:{0}:held", HOST);
    assertEquals(
        List.of("held_by_nobody"),
        stage.store.doctor().examine().stream().map(Doctor.Finding::kind).toList());
    stage.store.doctor().repair();
    stage.proven();
    assertEquals(List.of(id), claim(1, permits(1)).tasks());
  }

  @Test
  void limitsAreToldWithWhatThereIsToDo() {
    limit(HOST, 3, 2.5);
    limit("[::1]:80", null, 0.5);
    stage.enqueue(5, wish().url(NARROW));
    claim(10, FULL);
    List<byte[]> args =
        new ArrayList<>(
            List.of(
                Keys.bytes("h:" + HOST),
                Keys.bytes("0:" + Stage.WORKER),
                Keys.bytes(LEASE_MILLIS)));
    IntStream.range(0, 2).forEach(i -> args.add(Keys.bytes("permit-" + i)));
    assertEquals(
        List.of(1L, 400L),
        stage.moves.run(Script.PERMIT, args.toArray(byte[][]::new)),
        "its burst");
    List<TargetHost.Load> all = stage.store.hosts().list();
    assertEquals(List.of("[::1]:80", HOST), all.stream().map(one -> one.host().name()).toList());
    TargetHost.Load load = all.getLast();
    assertEquals(3, load.host().maxConcurrent());
    assertEquals(2.5, load.host().maxDispatchesPerSec());
    assertEquals(1, load.running());
    assertEquals(5, load.waiting());
  }

  /** Whatever happens: no task is lost, none starts without a permit, and all invariants hold. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void aRandomHistoryLosesNothingAndStartsNothingWithoutPermit(long seed) {
    Random random = new Random(seed);
    List<String> hosts =
        List.of("a.example.com", "b.example.com", "b.example.com:81", "c.example.com");
    List<String> urls =
        List.of(
            "http://a.example.com/",
            "http://b.example.com/",
            "http://b.example.com:81/",
            "http://c.example.com/");
    stage.client("small", 2);
    stage.queue("side", 2);
    Set<String> limited = new HashSet<>();
    Set<TaskId> open = new HashSet<>();
    Map<TaskId, Long> running = new HashMap<>();
    for (int step = 0; step < 300; step++) {
      String where = "seed " + seed + ", step " + step;
      switch (random.nextInt(12)) {
        case 0, 1, 2 ->
            open.addAll(
                stage.enqueue(
                    1 + random.nextInt(8),
                    wish()
                        .client(random.nextBoolean() ? "small" : "abc")
                        .queue(random.nextInt(3) == 0 ? "side" : "default")
                        .in(Duration.ofSeconds(random.nextInt(4) == 0 ? 20 : 0))
                        .url(urls.get(random.nextInt(urls.size())))));
        case 3, 4, 5, 6 -> {
          Map<String, Integer> brought = new HashMap<>();
          for (String host : hosts) {
            switch (random.nextInt(3)) {
              case 0 -> {
                brought.put("h:" + host, 1 + random.nextInt(4));
                brought.put("n:" + host, random.nextInt(4));
              }
              case 1 -> brought.put("f:" + host, 0);
              default -> {}
            }
          }
          Claimed claimed = claim(random.nextInt(12), brought);
          Map<String, Integer> used = new HashMap<>();
          claimed.under().values().forEach(what -> used.merge(what, 1, Integer::sum));
          used.forEach((what, count) -> {
            assertTrue(count <= brought.getOrDefault(what, 0), where + ": " + what);
            assertTrue(limited.contains(what.substring(2)), where + ": " + what);
          });
          running.putAll(claimed.claims());
        }
        case 7, 8 -> {
          List<TaskId> some = running.keySet().stream().sorted().limit(3).toList();
          for (TaskId id : some) {
            boolean well = random.nextInt(3) > 0;
            Settlement verdict =
                new Settlement(
                    id,
                    running.remove(id),
                    well ? new Verdict.Succeed() : new Verdict.PutBack(Duration.ZERO),
                    null,
                    Duration.ZERO,
                    new BreakerReport.None());
            assertEquals(Settled.DONE, stage.settle(Stage.WORKER, verdict), where);
            if (well) {
              open.remove(id);
            }
          }
        }
        case 9 -> {
          String host = hosts.get(random.nextInt(hosts.size()));
          if (limited.remove(host)) {
            assertTrue(stage.store.hosts().delete(host));
          } else {
            limit(host, 5, null);
            limited.add(host);
          }
        }
        case 10 -> {
          List<TaskId> waiting =
              open.stream().filter(id -> !running.containsKey(id)).sorted().toList();
          if (!waiting.isEmpty()) {
            TaskId id = waiting.get(random.nextInt(waiting.size()));
            if (random.nextBoolean()) {
              stage.store.tasks().runNow(id);
            } else {
              stage.store.tasks().cancel(id);
              open.remove(id);
            }
          }
        }
        default -> {
          stage.pass(Duration.ofMillis(random.nextInt(5_000) - 500));
          stage.moves.run(Script.RENEW, renewal(running).toArray(byte[][]::new));
        }
      }
      if (step % 10 == 0) {
        assertEquals(List.of(), stage.store.doctor().examine(), where);
      }
    }
    for (String host : limited) {
      stage.store.hosts().delete(host);
    }
    stage.pass(Duration.ofSeconds(25));
    for (int round = 0; !open.isEmpty() && round < 1_000; round++) {
      running.putAll(claim(100, Map.of()).claims());
      for (TaskId id : List.copyOf(running.keySet())) {
        stage.settle(
            Stage.WORKER,
            new Settlement(
                id,
                running.remove(id),
                new Verdict.Succeed(),
                null,
                Duration.ZERO,
                new BreakerReport.None()));
        open.remove(id);
      }
    }
    assertEquals(Set.of(), open, "left behind with seed " + seed);
    stage.proven();
  }

  private static List<byte[]> renewal(Map<TaskId, Long> running) {
    List<byte[]> args = new ArrayList<>(Arrays.asList(WORKER, Keys.bytes(LEASE_MILLIS)));
    running.forEach((id, claim) -> {
      args.add(id.bytes());
      args.add(Keys.bytes(claim));
    });
    return args;
  }
}
