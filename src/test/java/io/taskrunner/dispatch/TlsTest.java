package io.taskrunner.dispatch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.Http2Error;
import io.taskrunner.task.AttemptError;
import io.taskrunner.task.Excerpt;
import io.taskrunner.task.Outcome;
import io.taskrunner.task.Outcome.Answered;
import io.taskrunner.task.Outcome.Unanswered;
import io.taskrunner.testkit.Proxy;
import io.taskrunner.testkit.ScriptedHttp2Target;
import io.taskrunner.testkit.ScriptedTarget;
import io.taskrunner.testkit.TestCertificate;
import java.net.InetAddress;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** HTTP/1.1 and HTTP/2 inside TLS. */
@Timeout(60)
final class TlsTest {

  private static final Duration AMPLE = Duration.ofSeconds(20);

  private static EventLoopGroup loops;
  private static TestCertificate certificate;

  private final List<AutoCloseable> toClose = new ArrayList<>();
  private final Dispatcher dispatcher = dispatcher(trusting(), Duration.ofSeconds(10));

  @BeforeAll
  static void start() {
    loops = new MultiThreadIoEventLoopGroup(2, NioIoHandler.newFactory());
    certificate = TestCertificate.of("dns:target.example,ip:127.0.0.1");
  }

  private static TargetTls trusting() {
    return TargetTls.trusting(List.of(certificate.certificate()));
  }

  @AfterAll
  static void stop() {
    loops.shutdownGracefully(0, 5, TimeUnit.SECONDS);
  }

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable one : toClose.reversed()) {
      one.close();
    }
  }

  private Dispatcher dispatcher(TargetTls tls, Duration connectTimeout) {
    DispatchOptions options = DispatcherTest.options(true, List.of(), connectTimeout);
    Names names =
        _ -> CompletableFuture.completedFuture(List.of(InetAddress.ofLiteral("127.0.0.1")));
    return closing(new Dispatcher(options, loops, InstantSource.system(), names, tls));
  }

  private <T extends AutoCloseable> T closing(T one) {
    toClose.add(one);
    return one;
  }

  private ScriptedTarget http1() {
    return closing(ScriptedTarget.start(certificate.server()));
  }

  private ScriptedHttp2Target http2(int streamsMax) {
    return closing(ScriptedHttp2Target.start(loops, certificate, streamsMax));
  }

  private Sending begin(ScriptedHttp2Target target) {
    return dispatcher.perform(
        ClaimFixture.to("https://target.example:" + target.port() + "/hook").build(), AMPLE);
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

  // TLS

  @Test
  void aTargetWithoutHttp2GetsHttp1() throws Exception {
    ScriptedTarget target = http1();
    for (String host : List.of("target.example", "target.example.", "127.0.0.1")) {
      String url = "https://" + host + ":" + target.port() + "/a//b/../c?x=%zz&y={}|";
      assertEquals(
          answered(200),
          outcome(dispatcher.perform(ClaimFixture.to(url).body("{}").build(), AMPLE)));
      ScriptedTarget.Received request = target.next();
      assertEquals("POST /a//b/../c?x=%zz&y={}| HTTP/1.1", request.firstLine());
      assertEquals(host + ":" + target.port(), request.header("Host"));
      assertEquals("{}", request.text());
    }
    assertEquals(3, target.connections());
    String url = "https://target.example:" + target.port() + "/";
    assertEquals(answered(200), outcome(dispatcher.perform(ClaimFixture.to(url).build(), AMPLE)));
    assertEquals(3, target.connections(), "the connection of the name is used again");
  }

  @Test
  void concurrentHttp1RequestsUseSeparateConnections() throws Exception {
    ScriptedTarget target = http1();
    String url = "https://target.example:" + target.port() + "/";
    List<Sending> all =
        IntStream.range(0, 20)
            .mapToObj(_ -> dispatcher.perform(ClaimFixture.to(url).build(), AMPLE))
            .toList();
    for (Sending one : all) {
      assertEquals(answered(200), outcome(one));
    }
    assertTrue(target.connections() <= 20);
  }

  @Test
  void aCertificateOfAnUnknownAuthorityIsRejectedWithAReason() throws Exception {
    ScriptedTarget target = http1();
    Dispatcher strict = dispatcher(TargetTls.trusting(List.of()), Duration.ofSeconds(10));
    String url = "https://target.example:" + target.port() + "/";
    Unanswered failed =
        unanswered(
            AttemptError.TLS_FAILED, outcome(strict.perform(ClaimFixture.to(url).build(), AMPLE)));
    assertTrue(
        failed
            .detail()
            .endsWith(
                "TLS handshake failed: the certificate is self-signed, or its authority is not trusted"
                    + " (TARGET_CA_FILE adds authorities)"),
        failed.detail());
  }

  @Test
  void aCertificateForAnotherNameIsRejectedWithAReason() throws Exception {
    ScriptedHttp2Target target = http2(100);
    for (String host : List.of("other.example", "other", "my_other.example", "-other")) {
      String url = "https://" + host + ":" + target.port() + "/";
      Unanswered failed =
          unanswered(
              AttemptError.TLS_FAILED,
              outcome(dispatcher.perform(ClaimFixture.to(url).build(), AMPLE)));
      assertTrue(
          failed.detail().endsWith("failed: the certificate is for another name"), failed.detail());
    }
    assertEquals(0, target.unseen());
  }

  @Test
  void anExpiredCertificateIsRejectedWithAReason() throws Exception {
    TestCertificate old = TestCertificate.expired("dns:target.example");
    ScriptedTarget target = closing(ScriptedTarget.start(old.server()));
    Dispatcher trusting =
        dispatcher(TargetTls.trusting(List.of(old.certificate())), Duration.ofSeconds(10));
    String url = "https://target.example:" + target.port() + "/";
    Unanswered failed =
        unanswered(
            AttemptError.TLS_FAILED,
            outcome(trusting.perform(ClaimFixture.to(url).build(), AMPLE)));
    assertTrue(failed.detail().endsWith("failed: the certificate has expired"), failed.detail());
  }

  @Test
  void namesWithoutADotOrWithAnUnderscoreAreSentAsSni() throws Exception {
    TestCertificate several =
        TestCertificate.of("dns:hook,dns:my_hook,dns:my_hook.internal,dns:*.a_b.internal");
    Dispatcher trusting =
        dispatcher(TargetTls.trusting(List.of(several.certificate())), Duration.ofSeconds(10));
    ScriptedHttp2Target target = closing(ScriptedHttp2Target.start(loops, several, 100));
    for (String host : List.of("hook", "my_hook.internal", "x.a_b.internal", "my_hook", "hook.")) {
      String url = "https://" + host + ":" + target.port() + "/";
      assertEquals(
          answered(200), outcome(trusting.perform(ClaimFixture.to(url).build(), AMPLE)), host);
      assertEquals(host.replaceFirst("\\.$", ""), target.nextServerName());
    }
  }

  @Test
  void aTargetWithoutTlsIsTlsFailed() throws Exception {
    ScriptedTarget target = closing(ScriptedTarget.start());
    target.greets(talk -> talk.write("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"));
    String url = "https://target.example:" + target.port() + "/";
    unanswered(
        AttemptError.TLS_FAILED, outcome(dispatcher.perform(ClaimFixture.to(url).build(), AMPLE)));
  }

  @Test
  void anEndlessHandshakeEndsAtTheConnectTimeout() throws Exception {
    ScriptedTarget target = closing(ScriptedTarget.start());
    target.greets(ScriptedTarget.Talk::awaitEnd);
    Dispatcher hasty = dispatcher(trusting(), Duration.ofMillis(300));
    String url = "https://target.example:" + target.port() + "/";
    unanswered(
        AttemptError.TLS_FAILED, outcome(hasty.perform(ClaimFixture.to(url).build(), AMPLE)));
    assertEquals(1, target.nextEnd());
  }

  // HTTP/2

  @Test
  void aTargetWithHttp2GetsHttp2() throws Exception {
    ScriptedHttp2Target target = http2(100);
    String url = "https://target.example:" + target.port() + "/a//b/../c?x=%zz&y={}|";
    byte[] body = new byte[300_000];
    ClaimFixture claim = ClaimFixture.to(url).header("X-Mine", "Ü").body(body);
    assertEquals(answered(200), outcome(dispatcher.perform(claim.build(), AMPLE)));
    ScriptedHttp2Target.Received request = target.next();
    assertEquals("POST", request.header(":method"));
    assertEquals("https", request.header(":scheme"));
    assertEquals("target.example:" + target.port(), request.header(":authority"));
    assertEquals("/a//b/../c?x=%zz&y={}|", request.header(":path"));
    assertEquals("Task-Runner/1.2.3", request.header("user-agent"));
    assertEquals("default", request.header("x-cloudtasks-queuename"));
    assertEquals("1795514400.123000", request.header("x-cloudtasks-tasketa"));
    assertEquals(new String("Ü".getBytes("UTF-8"), "ISO-8859-1"), request.header("x-mine"));
    assertEquals("300000", request.header("content-length"));
    assertEquals(300_000, request.bodyLength());
    assertNull(request.headers().get("host"));
  }

  @Test
  void concurrentHttp2RequestsShareOneConnection() throws Exception {
    ScriptedHttp2Target target = http2(100);
    List<Sending> all = IntStream.range(0, 64).mapToObj(_ -> begin(target)).toList();
    for (Sending one : all) {
      assertEquals(answered(200), outcome(one));
    }
    assertEquals(1, target.connections());
  }

  @Test
  void aConnectionThatJustBecameReadyIsShared() throws Exception {
    ScriptedHttp2Target target = http2(100);
    Sending first = begin(target);
    assertEquals(answered(200), outcome(first), "a connection stands");
    Peer peer = Peer.of(first.url(), InetAddress.ofLiteral("127.0.0.1"));
    CompletableFuture<Connection> given = new CompletableFuture<>();
    dispatcher
        .connections()
        .connect(
            peer,
            AMPLE,
            new Waiter() {
              @Override
              public void ready(Connection connection) {
                given.complete(connection);
              }

              @Override
              public void refused(String why) {
                given.completeExceptionally(new AssertionError(why));
              }

              @Override
              public void failed(AttemptError error, String detail) {
                given.completeExceptionally(new AssertionError(detail));
              }
            });
    given.get(10, TimeUnit.SECONDS);
    assertEquals(1, target.connections());
    assertEquals(1, dispatcher.connections().size());
  }

  @Test
  void aSharedConnectionIdleForTooLongIsClosed() throws Exception {
    ScriptedHttp2Target target = http2(100);
    target.plays(_ -> {});
    Sending sending = begin(target);
    target.next();
    long later = System.nanoTime() + TimeUnit.SECONDS.toNanos(Http1Connection.IDLE_SEC_MAX + 9);
    dispatcher.connections().sweep(later);
    assertEquals(1, dispatcher.connections().peers(), "it is in use");
    sending.cancel();
    target.nextReset();
    assertEquals(answered(200), outcome(begin(target)));
    dispatcher
        .connections()
        .sweep(System.nanoTime() + TimeUnit.SECONDS.toNanos(Http1Connection.IDLE_SEC_MAX + 9));
    assertEquals(0, dispatcher.connections().peers());
    assertTrue(dispatcher.connections().allClosed().await(10, TimeUnit.SECONDS));
  }

  @Test
  void aTargetWithFewStreamsGetsAllRequests() throws Exception {
    ScriptedHttp2Target target = http2(2);
    assertEquals(answered(200), outcome(begin(target)), "its settings are known now");
    List<Sending> all = IntStream.range(0, 20).mapToObj(_ -> begin(target)).toList();
    for (Sending one : all) {
      assertEquals(answered(200), outcome(one));
    }
  }

  @Test
  void aRefusedStreamIsRepeatedWithoutUsingAnAttempt() throws Exception {
    ScriptedHttp2Target target = http2(100);
    for (int i = 0; i < 5; i++) {
      target.plays(stream -> stream.reset(Http2Error.REFUSED_STREAM));
    }
    assertEquals(answered(200), outcome(begin(target)));
    for (int i = 0; i < 6; i++) {
      target.next();
    }
  }

  @Test
  void aTargetThatRefusesEveryStreamIsEventuallyReportedAsFailing() throws Exception {
    ScriptedHttp2Target target = http2(100);
    for (int i = 0; i < 100; i++) {
      target.plays(stream -> stream.reset(Http2Error.REFUSED_STREAM));
    }
    unanswered(AttemptError.CONNECTION_LOST, outcome(begin(target)));
    for (int i = 0; i < 13; i++) {
      target.next();
    }
    Duration limit = Duration.ofMillis(200);
    String url = "https://target.example:" + target.port() + "/";
    assertEquals(
        new Outcome.TimedOut(limit),
        outcome(dispatcher.perform(ClaimFixture.to(url).build(), limit)));
  }

  @Test
  void aTargetWithoutStreamsIsTriedAFewTimesWithoutNewConnections() throws Exception {
    ScriptedHttp2Target target = http2(0);
    Duration limit = Duration.ofMillis(400);
    String url = "https://target.example:" + target.port() + "/";
    assertEquals(
        new Outcome.TimedOut(limit),
        outcome(dispatcher.perform(ClaimFixture.to(url).build(), limit)));
    assertTrue(target.connections() <= 13, "connections: " + target.connections());
  }

  @Test
  void aTargetWithOneRequestPerConnectionGetsAllRequests() throws Exception {
    ScriptedHttp2Target target = http2(100).takesPerConnection(1);
    List<Sending> all = IntStream.range(0, 16).mapToObj(_ -> begin(target)).toList();
    for (Sending one : all) {
      assertEquals(answered(200), outcome(one));
    }
    assertEquals(16, target.connections());
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 10})
  void aTargetWithFewStreamsGetsMoreConnections(int streams) throws Exception {
    ScriptedHttp2Target target = http2(streams);
    CountDownLatch allThere = new CountDownLatch(40);
    List<ScriptedHttp2Target.Stream> held = Collections.synchronizedList(new ArrayList<>());
    for (int i = 0; i < 40; i++) {
      target.plays(stream -> {
        held.add(stream);
        allThere.countDown();
      });
    }
    List<Sending> all = IntStream.range(0, 40).mapToObj(_ -> begin(target)).toList();
    assertTrue(allThere.await(20, TimeUnit.SECONDS), "all are there at once");
    assertEquals(40 / streams, target.connections());
    held.forEach(stream -> stream.status(200, true));
    for (Sending one : all) {
      assertEquals(answered(200), outcome(one));
    }
  }

  @Test
  void aSilentConnectionIsNotUsedUntilItRespondsAgain() throws Exception {
    ScriptedHttp2Target target = http2(100);
    try (Proxy proxy = Proxy.start(target.port())) {
      String url = "https://target.example:" + proxy.port() + "/";
      assertEquals(answered(200), outcome(dispatcher.perform(ClaimFixture.to(url).build(), AMPLE)));
      proxy.swallow(true);
      Duration limit = Duration.ofMillis(300);
      assertEquals(
          new Outcome.TimedOut(limit),
          outcome(dispatcher.perform(ClaimFixture.to(url).build(), limit)));
      proxy.swallow(false); // of new connections: the first stays silent
      assertEquals(
          answered(200),
          outcome(dispatcher.perform(ClaimFixture.to(url).build(), AMPLE)),
          "by a connection of its own");
      assertEquals(2, target.connections());
    }
  }

  @Test
  void aConnectionThatAnswersAPingAfterATimeoutIsReused() throws Exception {
    ScriptedHttp2Target target = http2(100);
    assertEquals(answered(200), outcome(begin(target)), "a connection stands");
    target.plays(_ -> {});
    Duration limit = Duration.ofMillis(300);
    String url = "https://target.example:" + target.port() + "/";
    assertEquals(
        new Outcome.TimedOut(limit),
        outcome(dispatcher.perform(ClaimFixture.to(url).build(), limit)));
    target.awaitPing();
    target.nextReset();
    assertEquals(answered(200), outcome(begin(target)));
  }

  @Test
  void aTargetThatRequiresHttp1IsRemembered() throws Exception {
    ScriptedHttp2Target target = closing(ScriptedHttp2Target.startWithHttp1(loops, certificate));
    target.plays(stream -> stream.reset(Http2Error.HTTP_1_1_REQUIRED));
    assertEquals(answered(204), outcome(begin(target)), "what the target answers by HTTP/1.1");
    assertEquals(answered(204), outcome(begin(target)));
    target.next();
    assertEquals(0, target.unseen(), "one request came by HTTP/2");
  }

  @Test
  void aTargetThatWronglyRequiresHttp1GetsHttp2Again() throws Exception {
    ScriptedHttp2Target target =
        closing(ScriptedHttp2Target.startWithHttp2Alone(loops, certificate));
    target.plays(stream -> stream.reset(Http2Error.HTTP_1_1_REQUIRED));
    unanswered(AttemptError.TLS_FAILED, outcome(begin(target)));
    assertEquals(answered(200), outcome(begin(target)));
  }

  @Test
  void aTargetCannotGrowOurHeaderTable() throws Exception {
    int usual = lengthOfARepeatedRequest(4096);
    int refused = lengthOfARepeatedRequest(1L << 24);
    assertTrue(
        refused > 2 * usual, "with a table: " + usual + " bytes, with none kept: " + refused);
  }

  private int lengthOfARepeatedRequest(long tableBytes) throws Exception {
    ScriptedHttp2Target target =
        closing(ScriptedHttp2Target.start(loops, certificate, 100, tableBytes));
    assertEquals(answered(200), outcome(begin(target)));
    target.nextLength();
    assertEquals(answered(200), outcome(begin(target)));
    return target.nextLength();
  }

  @Test
  void aResponseThatEndsWithTheConnectionRequiresCloseNotify() throws Exception {
    ScriptedTarget target = http1();
    target.plays(talk -> {
      talk.write("HTTP/1.1 200 OK\r\n\r\nhello");
      talk.saysNoMore();
      talk.awaitEnd();
    });
    String url = "https://target.example:" + target.port() + "/";
    assertEquals(answered(200), outcome(dispatcher.perform(ClaimFixture.to(url).build(), AMPLE)));
    assertEquals(1, target.nextEnd());
  }

  @Test
  void anIdleConnectionThatGotCloseNotifyIsNotReused() throws Exception {
    ScriptedTarget target = http1();
    target.plays(talk -> {
      talk.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
      talk.saysNoMore();
      talk.awaitEnd();
    });
    String url = "https://target.example:" + target.port() + "/";
    assertEquals(answered(200), outcome(dispatcher.perform(ClaimFixture.to(url).build(), AMPLE)));
    assertEquals(1, target.nextEnd(), "it was closed here too");
    assertEquals(answered(200), outcome(dispatcher.perform(ClaimFixture.to(url).build(), AMPLE)));
    assertEquals(2, target.connections());
  }

  @Test
  void aRequestRejectedByGoAwayIsRepeatedOnAnotherConnection() throws Exception {
    ScriptedHttp2Target target = http2(100);
    target.plays(ScriptedHttp2Target.Stream::goAwayBefore);
    assertEquals(answered(200), outcome(begin(target)));
    assertEquals(1, target.next().connection());
    assertEquals(2, target.next().connection());
  }

  @Test
  void anyOtherStreamResetIsALostConnection() throws Exception {
    ScriptedHttp2Target target = http2(100);
    target.plays(stream -> stream.reset(Http2Error.INTERNAL_ERROR));
    unanswered(AttemptError.CONNECTION_LOST, outcome(begin(target)));
    target.plays(stream -> {
      stream.status(200, false);
      stream.reset(Http2Error.CANCEL);
    });
    unanswered(AttemptError.CONNECTION_LOST, outcome(begin(target)));
    assertEquals(answered(200), outcome(begin(target)));
    assertEquals(1, target.connections());
  }

  @Test
  void aClosedConnectionLosesItsRequests() throws Exception {
    ScriptedHttp2Target target = http2(100);
    target.plays(ScriptedHttp2Target.Stream::close);
    unanswered(AttemptError.CONNECTION_LOST, outcome(begin(target)));
    assertEquals(answered(200), outcome(begin(target)));
    assertEquals(2, target.connections());
  }

  @Test
  void aCancelledRequestResetsOnlyItsStream() throws Exception {
    ScriptedHttp2Target target = http2(100);
    target.plays(_ -> {});
    Sending sending = begin(target);
    target.next();
    sending.cancel();
    assertEquals(new Outcome.Cancelled(), outcome(sending));
    assertEquals(Http2Error.CANCEL.code(), target.nextReset());
    assertEquals(answered(200), outcome(begin(target)));
    assertEquals(1, target.connections());
  }

  @Test
  void theStatusOfALongResponseCounts() throws Exception {
    ScriptedHttp2Target target = http2(100);
    target.plays(stream -> {
      stream.status(202, false);
      stream.data(40_000, false);
      stream.data(40_000, false);
    });
    assertEquals(answered(202), outcome(begin(target)));
    assertEquals(Http2Error.CANCEL.code(), target.nextReset());
    for (int i = 0; i < 40; i++) { // the connection's window is released
      target.plays(stream -> {
        stream.status(200, false);
        stream.data(60_000, true);
      });
      assertEquals(answered(200), outcome(begin(target)));
    }
    assertEquals(1, target.connections());
  }

  @Test
  void interimResponsesAndTrailersAreSkippedAndRetryAfterIsParsed() throws Exception {
    ScriptedHttp2Target target = http2(100);
    target.plays(stream -> {
      stream.status(103, false);
      stream.headers(new DefaultHttp2Headers().status("503").add("retry-after", "9"), false);
      stream.data(3, false);
      stream.headers(new DefaultHttp2Headers().add("x-checksum", "1"), true);
    });
    assertEquals(
        new Answered(503, Optional.of(Duration.ofSeconds(9)), Excerpt.BINARY),
        outcome(begin(target)));
  }

  @Test
  void headersOverTheLimitAreABadResponse() throws Exception {
    ScriptedHttp2Target target = http2(100);
    target.plays(stream ->
        stream.headers(
            new DefaultHttp2Headers().status("200").add("x-long", "x".repeat(40_000)), true));
    unanswered(AttemptError.BAD_RESPONSE, outcome(begin(target)));
    assertEquals(answered(200), outcome(begin(target)));
  }

  @Test
  void aTargetThatNeverAnswersTimesOutAndItsStreamIsReset() throws Exception {
    ScriptedHttp2Target target = http2(100);
    assertEquals(answered(200), outcome(begin(target)), "a connection stands");
    target.plays(_ -> {});
    Duration limit = Duration.ofMillis(300);
    String url = "https://target.example:" + target.port() + "/";
    assertEquals(
        new Outcome.TimedOut(limit),
        outcome(dispatcher.perform(ClaimFixture.to(url).build(), limit)));
    assertEquals(Http2Error.CANCEL.code(), target.nextReset());
  }
}
