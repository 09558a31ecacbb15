package io.taskrunner.dispatch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.taskrunner.config.Cidr;
import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.task.AttemptError;
import io.taskrunner.task.Outcome;
import io.taskrunner.task.Outcome.Answered;
import io.taskrunner.task.Outcome.Unanswered;
import io.taskrunner.testkit.ScriptedTarget;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Reachable targets, the connection to each, and unreachable ones. */
@Timeout(60)
final class ReachTest {

  private static final Duration AMPLE = Duration.ofSeconds(20);

  private static EventLoopGroup loops;

  private final ScriptedTarget target = ScriptedTarget.start();
  private final FakeNames names = new FakeNames();
  private final List<Dispatcher> dispatchers = new ArrayList<>();
  private volatile Instant now = Instant.parse("2026-11-24T10:00:00Z");

  /** Names that resolve as configured. */
  private static final class FakeNames implements Names {
    final Map<String, CompletableFuture<List<InetAddress>>> answers = new ConcurrentHashMap<>();
    final List<String> asked = new ArrayList<>();

    FakeNames say(String name, String... addresses) {
      answers.put(
          name,
          CompletableFuture.completedFuture(
              Stream.of(addresses).map(InetAddress::ofLiteral).toList()));
      return this;
    }

    @Override
    public synchronized CompletionStage<List<InetAddress>> lookUp(String name) {
      asked.add(name);
      return answers
          .getOrDefault(name, CompletableFuture.failedFuture(new UnknownHostException(name)))
          .copy();
    }
  }

  @BeforeAll
  static void startLoops() {
    loops = new MultiThreadIoEventLoopGroup(2, NioIoHandler.newFactory());
  }

  @AfterAll
  static void stopLoops() {
    loops.shutdownGracefully(0, 5, TimeUnit.SECONDS);
  }

  @AfterEach
  void close() {
    dispatchers.forEach(Dispatcher::close);
    target.close();
  }

  private Dispatcher dispatcher(boolean allowPrivate, String allowed) {
    List<Cidr> blocks = allowed.isEmpty() ? List.of() : List.of(Cidr.parse(allowed).orElseThrow());
    DispatchOptions options = DispatcherTest.options(allowPrivate, blocks, Duration.ofSeconds(10));
    Dispatcher made =
        new Dispatcher(options, loops, () -> now, names, TargetTls.trusting(List.of()));
    dispatchers.add(made);
    return made;
  }

  private Dispatcher open() {
    return dispatcher(true, "");
  }

  private Dispatcher strict() {
    return dispatcher(false, "");
  }

  private Sending begin(Dispatcher dispatcher, String host) {
    return dispatcher.perform(
        ClaimFixture.to("http://" + host + ":" + target.port() + "/").build(), AMPLE);
  }

  private Outcome perform(Dispatcher dispatcher, String host) throws Exception {
    return outcome(begin(dispatcher, host));
  }

  private static Outcome outcome(Sending sending) throws Exception {
    return sending.outcome().get(30, TimeUnit.SECONDS);
  }

  private static Outcome answered(int status) {
    return new Answered(status, Optional.empty());
  }

  private static Unanswered unanswered(AttemptError error, Outcome outcome) {
    Unanswered unanswered = assertInstanceOf(Unanswered.class, outcome);
    assertEquals(error, unanswered.error(), unanswered.detail());
    return unanswered;
  }

  // The guard at connect time

  @ParameterizedTest
  @ValueSource(
      strings = {
        "127.0.0.1",
        "0.0.0.0",
        "10.0.0.1",
        "169.254.169.254",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[0:0:0:0:0:ffff:7f00:0001]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fe80::1]",
        "[fd00:ec2::254]"
      })
  void anInsideAddressInAUrlIsNotReached(String host) throws Exception {
    unanswered(AttemptError.BLOCKED_ADDRESS, perform(strict(), host));
    assertEquals(0, target.connections());
    assertEquals(List.of(), names.asked, "an address needs no look-up");
  }

  @Test
  void aNameWithAPrivateAddressIsNotReached() throws Exception {
    names.say("evil.example", "127.0.0.1").say("evil.example.", "::1");
    Unanswered failed = unanswered(AttemptError.BLOCKED_ADDRESS, perform(strict(), "evil.example"));
    assertEquals(
        "evil.example: 127.0.0.1 is not allowed: it is a loopback address", failed.detail());
    unanswered(AttemptError.BLOCKED_ADDRESS, perform(strict(), "evil.example."));
    assertEquals(0, target.connections());
  }

  @Test
  void aNameWithAnyPrivateAddressIsRejected() throws Exception {
    names.say("mixed.example", "127.0.0.1", "10.0.0.1");
    unanswered(
        AttemptError.BLOCKED_ADDRESS, perform(dispatcher(false, "127.0.0.0/8"), "mixed.example"));
    assertEquals(0, target.connections());
  }

  @Test
  void aNameThatChangesToAPrivateAddressIsRejectedDespiteItsOpenConnection() throws Exception {
    Dispatcher dispatcher = dispatcher(false, "127.0.0.1/32");
    names.say("rebinding.example", "127.0.0.1");
    assertEquals(answered(200), perform(dispatcher, "rebinding.example"));
    names.say("rebinding.example", "127.0.0.2");
    now = now.plusSeconds(10);
    unanswered(AttemptError.BLOCKED_ADDRESS, perform(dispatcher, "rebinding.example"));
    assertEquals(1, target.connections());
    target.next();
    assertEquals(0, target.unseen());
  }

  @Test
  void aConnectionServesOnlyTheNameItWasCheckedFor() throws Exception {
    Dispatcher dispatcher = open();
    names.say("a.example", "127.0.0.1").say("b.example", "127.0.0.1");
    for (String host :
        List.of("a.example", "b.example", "127.0.0.1", "a.example", "b.example", "127.0.0.1")) {
      assertEquals(answered(200), perform(dispatcher, host));
    }
    assertEquals(3, target.connections());
    List<Integer> used = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      used.add(target.next().connection());
    }
    assertEquals(List.of(1, 2, 3, 1, 2, 3), used);
  }

  // Names

  @Test
  void theNextAddressIsTriedWhenOneRefuses() throws Exception {
    names.say("two.example", "127.0.0.2", "127.0.0.1");
    assertEquals(answered(200), perform(open(), "two.example"));
    names.say("none.example", "127.0.0.2", "127.0.0.3");
    unanswered(AttemptError.CONNECT_FAILED, perform(open(), "none.example"));
  }

  @Test
  void aNameThatDoesNotExistIsConnectFailed() throws Exception {
    Unanswered failed = unanswered(AttemptError.CONNECT_FAILED, perform(open(), "nowhere.example"));
    assertEquals("nowhere.example: the name cannot be found", failed.detail());
    names.say("empty.example");
    unanswered(AttemptError.CONNECT_FAILED, perform(open(), "empty.example"));
  }

  @Test
  void anEndlessLookupEndsByTimeoutOrCancellation() throws Exception {
    names.answers.put("slow.example", new CompletableFuture<>());
    Dispatcher dispatcher = open();
    Duration limit = Duration.ofMillis(100);
    String url = "http://slow.example:" + target.port() + "/";
    assertEquals(
        new Outcome.TimedOut(limit),
        outcome(dispatcher.perform(ClaimFixture.to(url).build(), limit)));
    Sending sending = begin(dispatcher, "slow.example");
    sending.cancel();
    assertEquals(new Outcome.Cancelled(), sending.outcome().getNow(null));
    Unanswered failed =
        unanswered(AttemptError.CONNECT_FAILED, perform(dispatcher, "slow.example"));
    assertEquals("slow.example: the name lookup took longer than 5 s", failed.detail());
  }

  @Test
  void concurrentRequestsShareOneLookupForTenSeconds() throws Exception {
    CompletableFuture<List<InetAddress>> answer = new CompletableFuture<>();
    names.answers.put("busy.example", answer);
    Dispatcher dispatcher = open();
    List<Sending> all =
        IntStream.range(0, 50).mapToObj(_ -> begin(dispatcher, "busy.example")).toList();
    answer.complete(List.of(InetAddress.ofLiteral("127.0.0.1")));
    for (Sending one : all) {
      assertEquals(answered(200), outcome(one));
    }
    assertEquals(answered(200), perform(dispatcher, "busy.example"));
    assertEquals(1, names.asked.size());
    now = now.plusSeconds(9);
    assertEquals(answered(200), perform(dispatcher, "busy.example"));
    assertEquals(1, names.asked.size());
    now = now.plusSeconds(1);
    assertEquals(answered(200), perform(dispatcher, "busy.example"));
    assertEquals(2, names.asked.size());
  }

  @Test
  void aNameIsLookedUpAgainWhenItsAddressesFail() throws Exception {
    names.say("moving.example", "127.0.0.2");
    Dispatcher dispatcher = open();
    unanswered(AttemptError.CONNECT_FAILED, perform(dispatcher, "moving.example"));
    names.say("moving.example", "127.0.0.1");
    assertEquals(answered(200), perform(dispatcher, "moving.example"));
  }

  @Test
  void anUnknownNameIsLookedUpOncePerSecond() throws Exception {
    Dispatcher dispatcher = open();
    unanswered(AttemptError.CONNECT_FAILED, perform(dispatcher, "late.example"));
    names.say("late.example", "127.0.0.1");
    unanswered(AttemptError.CONNECT_FAILED, perform(dispatcher, "late.example"));
    now = now.plusSeconds(1);
    assertEquals(answered(200), perform(dispatcher, "late.example"));
    assertEquals(2, names.asked.size());
  }

  // The breaker

  @Test
  void eachFailureReportsTheNumberOfFailuresInARow() throws Exception {
    Dispatcher dispatcher = open();
    String down = "HTTP/1.1 500 Down\r\nContent-Length: 0\r\n\r\n";
    target.answers(down).answers(down);
    Sending first = begin(dispatcher, "127.0.0.1");
    assertEquals(answered(500), outcome(first));
    assertEquals(new BreakerReport.Failed(1), first.breaker());
    Sending second = begin(dispatcher, "127.0.0.1");
    assertEquals(answered(500), outcome(second));
    assertEquals(new BreakerReport.Failed(2), second.breaker());
    Sending probe = dispatcher.perform(ClaimFixture.to(target.url("/")).probe().build(), AMPLE);
    assertEquals(answered(200), outcome(probe));
    assertEquals(new BreakerReport.Good(), probe.breaker());
  }

  @Test
  void aBlockedAddressDoesNotCountAsAHostFailure() throws Exception {
    Dispatcher dispatcher = strict();
    for (int i = 0; i < 3; i++) {
      Sending sending = begin(dispatcher, "127.0.0.1");
      unanswered(AttemptError.BLOCKED_ADDRESS, outcome(sending));
      assertEquals(new BreakerReport.None(), sending.breaker());
    }
  }

  // Connections

  @Test
  void aWrittenRequestIsNeverSentTwice() throws Exception {
    Dispatcher dispatcher = open();
    assertEquals(answered(200), perform(dispatcher, "127.0.0.1"));
    target.plays(ScriptedTarget.Talk::close);
    unanswered(AttemptError.CONNECTION_LOST, perform(dispatcher, "127.0.0.1"));
    target.plays(ScriptedTarget.Talk::reset);
    unanswered(AttemptError.CONNECTION_LOST, perform(dispatcher, "127.0.0.1"));
    for (int i = 0; i < 3; i++) {
      target.next();
    }
    assertEquals(0, target.unseen());
  }

  @Test
  void aResponseBeforeTheRequestIsCompleteClosesItsConnection() throws Exception {
    CountDownLatch over = new CountDownLatch(1);
    target.greets(talk -> {
      talk.write("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
      try {
        over.await(20, TimeUnit.SECONDS); // reads nothing meanwhile
      } catch (InterruptedException stopped) {
        Thread.currentThread().interrupt();
      }
    });
    Dispatcher dispatcher = open();
    ClaimFixture claim = ClaimFixture.to(target.url("/")).body(new byte[64 * 1024 * 1024]);
    assertEquals(answered(413), outcome(dispatcher.perform(claim.build(), AMPLE)));
    assertTrue(dispatcher.connections().allClosed().await(10, TimeUnit.SECONDS));
    over.countDown();
  }

  @ParameterizedTest
  @ValueSource(strings = {"HTTP/1.1 200 OK\r\nContent-Le", "\r\n", "x", ScriptedTarget.OK})
  void bytesAfterAResponseAreNotTakenForTheNext(String more) throws Exception {
    Dispatcher dispatcher = open();
    target.answers(ScriptedTarget.OK + more);
    assertEquals(answered(200), perform(dispatcher, "127.0.0.1"));
    assertEquals(1, target.nextEnd());
    target.answers("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    assertEquals(answered(404), perform(dispatcher, "127.0.0.1"));
    assertEquals(2, target.connections());
  }

  @Test
  void anIdleConnectionThatReceivesBytesIsClosed() throws Exception {
    Dispatcher dispatcher = open();
    CountDownLatch idle = new CountDownLatch(1);
    target.plays(talk -> {
      talk.write(ScriptedTarget.OK);
      try {
        assertTrue(idle.await(20, TimeUnit.SECONDS));
      } catch (InterruptedException stopped) {
        Thread.currentThread().interrupt();
      }
      talk.write("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
    });
    assertEquals(answered(200), perform(dispatcher, "127.0.0.1"));
    idle.countDown();
    assertTrue(dispatcher.connections().allClosed().await(10, TimeUnit.SECONDS));
    assertEquals(answered(200), perform(dispatcher, "127.0.0.1"));
  }

  @Test
  void keepAliveTimeoutsOfTargetsAreRespected() throws Exception {
    Dispatcher dispatcher = open();
    target.answers(
        "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=20, max=100\r\nContent-Length: 0\r\n\r\n");
    assertEquals(answered(200), perform(dispatcher, "127.0.0.1"));
    target.answers("HTTP/1.1 200 OK\r\nKeep-Alive: max=1, timeout=1\r\nContent-Length: 0\r\n\r\n");
    assertEquals(answered(200), perform(dispatcher, "127.0.0.1"));
    assertEquals(1, target.nextEnd());
    assertEquals(answered(200), perform(dispatcher, "127.0.0.1"));
    assertEquals(2, target.connections());

    assertEquals(TimeUnit.SECONDS.toNanos(4), Http1Connection.keepAliveNanos("timeout=5"));
    assertEquals(0, Http1Connection.keepAliveNanos("timeout=0"));
    assertEquals(Long.MAX_VALUE, Http1Connection.keepAliveNanos("max=5"));
    assertEquals(Long.MAX_VALUE, Http1Connection.keepAliveNanos("timeout=x"));
  }

  @Test
  void idleConnectionsOfOneTargetAreBounded() throws Exception {
    Dispatcher dispatcher = open();
    int many = Connections.IDLE_PER_PEER_MAX + 40;
    CountDownLatch allIn = new CountDownLatch(many);
    for (int i = 0; i < many; i++) {
      target.plays(talk -> {
        allIn.countDown();
        try {
          assertTrue(allIn.await(20, TimeUnit.SECONDS));
        } catch (InterruptedException stopped) {
          Thread.currentThread().interrupt();
        }
        talk.write(ScriptedTarget.OK);
      });
    }
    List<Sending> all =
        IntStream.range(0, many).mapToObj(_ -> begin(dispatcher, "127.0.0.1")).toList();
    for (Sending one : all) {
      assertEquals(answered(200), outcome(one));
    }
    assertEquals(many, target.connections());
    for (int i = 0; i < 40; i++) {
      target.nextEnd();
    }
    assertEquals(1, dispatcher.connections().peers());
    assertEquals(answered(200), perform(dispatcher, "127.0.0.1"));
    assertEquals(many, target.connections());
  }

  @Test
  void aConnectionIdleForTooLongIsClosed() throws Exception {
    Dispatcher dispatcher = open();
    assertEquals(answered(200), perform(dispatcher, "127.0.0.1"));
    long released = System.nanoTime();
    dispatcher
        .connections()
        .sweep(released + TimeUnit.SECONDS.toNanos(Http1Connection.IDLE_SEC_MAX - 9));
    assertEquals(1, dispatcher.connections().peers());
    dispatcher
        .connections()
        .sweep(released + TimeUnit.SECONDS.toNanos(Http1Connection.IDLE_SEC_MAX));
    assertEquals(0, dispatcher.connections().peers());
    assertEquals(1, target.nextEnd());
  }

  @Test
  void aTargetWithoutConnectionsUsesNoMemory() throws Exception {
    Dispatcher dispatcher = open();
    for (int i = 0; i < 20; i++) {
      names.say("h" + i + ".example", "127.0.0.1");
      target.answers("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
      assertEquals(answered(200), perform(dispatcher, "h" + i + ".example"));
    }
    assertEquals(0, dispatcher.connections().peers());
    for (int i = 0; i < 20; i++) {
      target.nextEnd();
    }
    assertFalse(
        dispatcher.connections().size() > 0
            && !dispatcher.connections().allClosed().await(10, TimeUnit.SECONDS));
  }
}
