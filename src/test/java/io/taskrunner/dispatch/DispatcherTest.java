package io.taskrunner.dispatch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.taskrunner.config.Cidr;
import io.taskrunner.config.DispatchSettings;
import io.taskrunner.task.AttemptError;
import io.taskrunner.task.Outcome;
import io.taskrunner.task.Outcome.Answered;
import io.taskrunner.task.Outcome.Unanswered;
import io.taskrunner.testkit.ScriptedTarget;
import io.taskrunner.testkit.ScriptedTarget.Received;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
final class DispatcherTest {

  /** The longest excerpt that these tests keep. */
  private static final int EXCERPT_BYTES = 64;

  private static final Duration AMPLE = Duration.ofSeconds(20);

  private static EventLoopGroup loops;

  private final ScriptedTarget target = ScriptedTarget.start();
  private final Dispatcher dispatcher =
      new Dispatcher(options(true), loops, InstantSource.system());

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
    dispatcher.close();
    target.close();
  }

  static DispatchOptions options(boolean allowPrivate) {
    return options(allowPrivate, List.of(), Duration.ofSeconds(10));
  }

  static DispatchOptions options(boolean allowPrivate, List<Cidr> allowed, Duration connect) {
    DispatchSettings.Breaker breaker =
        new DispatchSettings.Breaker(5, Duration.ofSeconds(30), 3, Duration.ofSeconds(60));
    return new DispatchOptions(
        "1.2.3",
        new DispatchSettings(
            allowPrivate, allowed, List.of(), List.of(), connect, breaker, EXCERPT_BYTES),
        false);
  }

  private Outcome perform(ClaimFixture claim) throws Exception {
    return dispatcher.perform(claim.build(), AMPLE).outcome().get(30, TimeUnit.SECONDS);
  }

  private ClaimFixture claim() {
    return ClaimFixture.to(target.url("/hook"));
  }

  private static Outcome answered(int status) {
    return new Answered(status, Optional.empty());
  }

  private static Unanswered unanswered(AttemptError error, Outcome outcome) {
    Unanswered unanswered = assertInstanceOf(Unanswered.class, outcome);
    assertEquals(error, unanswered.error(), unanswered.detail());
    return unanswered;
  }

  // Requests

  @Test
  void theFirstRequestOfATaskMatchesTheContractExactly() throws Exception {
    assertEquals(answered(200), perform(claim().body("{\"a\":1}")));
    Received request = target.next();
    assertEquals(
        """
        POST /hook HTTP/1.1
        Host: 127.0.0.1:%d
        User-Agent: Task-Runner/1.2.3
        Content-Type: application/json
        X-CloudTasks-QueueName: default
        X-CloudTasks-TaskName: 019310a1-7a5b-7c3d-9e4f-0123456789ab
        X-CloudTasks-TaskRetryCount: 0
        X-CloudTasks-TaskExecutionCount: 0
        X-CloudTasks-TaskETA: 1795514400.123000
        X-Task-Runner-Claim: 1795000000123
        X-Request-ID: 019310a1-7a5b-7c3d-9e4f-0123456789ab
        Content-Length: 7

        """
            .formatted(target.port())
            .replace("\n", "\r\n"),
        request.head());
    assertEquals("{\"a\":1}", request.text());
  }

  @Test
  void aRetryCarriesTheCountAndPreviousStatus() throws Exception {
    perform(claim().retry(3, 1, OptionalInt.of(504)));
    Received request = target.next();
    assertEquals("2", request.header("X-CloudTasks-TaskRetryCount"));
    assertEquals("1", request.header("X-CloudTasks-TaskExecutionCount"));
    assertEquals("504", request.header("X-CloudTasks-TaskPreviousResponse"));
    assertEquals("", request.header("X-CloudTasks-TaskRetryReason"));

    perform(claim().retry(2, 0, OptionalInt.empty()));
    request = target.next();
    assertNull(request.header("X-CloudTasks-TaskPreviousResponse"));
    assertEquals("", request.header("X-CloudTasks-TaskRetryReason"));
  }

  @Test
  void theTasksHeadersAreSentUnchangedExceptOurs() throws Exception {
    perform(
        claim()
            .header("X-Mine", "Grüße, 世界")
            .header("user-agent", "Mine/1")
            .header("CONTENT-TYPE", "text/plain")
            .header("x-request-id", "stolen")
            .header("Tracestate", "a=b")
            .header("X-Empty", "")
            .body("x"));
    Received request = target.next();
    String mine = new String("Grüße, 世界".getBytes("UTF-8"), "ISO-8859-1");
    assertEquals(mine, request.header("X-Mine"));
    assertEquals("Mine/1", request.header("user-agent"));
    assertEquals("text/plain", request.header("CONTENT-TYPE"));
    assertEquals("", request.header("X-Empty"));
    String head = request.head().toLowerCase(java.util.Locale.ROOT);
    assertEquals(head.indexOf("user-agent"), head.lastIndexOf("user-agent"));
    assertEquals(head.indexOf("content-type"), head.lastIndexOf("content-type"));
    assertFalse(head.contains("stolen"));
    assertFalse(head.contains("tracestate"));
    assertEquals(ClaimFixture.ID.toString(), request.header("X-Request-ID"));
  }

  @Test
  void theCallersTraceContinuesWithANewSpan() throws Exception {
    String trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    perform(
        claim()
            .trace(trace, "vendor=1")
            .header("Traceparent", "00-" + "1".repeat(32) + "-" + "2".repeat(16) + "-00"));
    Received request = target.next();
    String sent = request.header("traceparent");
    assertTrue(sent.matches("00-4bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}-01"), sent);
    assertFalse(sent.contains("00f067aa0ba902b7"));
    assertEquals("vendor=1", request.header("tracestate"));

    perform(claim());
    assertNull(target.next().header("traceparent"));
    perform(claim().trace("00-" + "0".repeat(32) + "-00f067aa0ba902b7-01", null));
    assertNull(target.next().header("traceparent"), "a trace id of zeros is none");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/",
        "/a//b/../c?x=%zz&y={}|",
        "/?",
        "/%2e%2E/%2f?a=b?c&&=",
        "/a;b=c,d'(e)*!$&+@:~",
        "/\"<>^`[]{}|",
        "//evil.example/x",
        "/%00%FF",
        "/..",
        "/./a/.",
        "/?q=http://x/y?z",
        "/a=%E4%B8%96",
        "/-._~"
      })
  void pathAndQueryGoByteForByte(String path) throws Exception {
    assertEquals(answered(200), perform(ClaimFixture.to(target.url(path))));
    assertEquals("POST " + path + " HTTP/1.1", target.next().firstLine());
  }

  @ParameterizedTest
  @ValueSource(strings = {"POST", "PUT", "PATCH", "GET", "DELETE", "HEAD", "OPTIONS"})
  void aRequestWithoutBodySendsContentLengthZeroWhereRequired(String method) throws Exception {
    target.answers("HTTP/1.1 204 No Content\r\n\r\n");
    assertEquals(answered(204), perform(claim().method(method)));
    Received request = target.next();
    assertEquals(method + " /hook HTTP/1.1", request.firstLine());
    assertEquals(method.startsWith("P") ? "0" : null, request.header("Content-Length"));
    assertNull(request.header("Content-Type"));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 16 * 1024, 16 * 1024 + 1, 1024 * 1024})
  void bodiesOfAnySizeArriveCompletely(int size) throws Exception {
    byte[] body = new byte[size];
    new Random(size).nextBytes(body);
    assertEquals(answered(200), perform(claim().method("GET").body(body)));
    assertArrayEquals(body, target.next().body());
  }

  @Test
  void aTrailingDotIsKeptInTheHostHeader() throws Exception {
    Names names = name -> done(java.net.InetAddress.getLoopbackAddress());
    try (Dispatcher named =
        new Dispatcher(
            options(true), loops, InstantSource.system(), names, TargetTls.trusting(List.of()))) {
      String url = "http://Example.COM.:" + target.port() + "/";
      assertEquals(
          answered(200),
          named.perform(ClaimFixture.to(url).build(), AMPLE).outcome().get(30, TimeUnit.SECONDS));
      assertEquals("example.com.:" + target.port(), target.next().header("Host"));
    }
  }

  private static java.util.concurrent.CompletionStage<List<java.net.InetAddress>> done(
      java.net.InetAddress address) {
    return java.util.concurrent.CompletableFuture.completedFuture(List.of(address));
  }

  // Responses

  @ParameterizedTest
  @ValueSource(ints = {200, 201, 204, 301, 304, 400, 404, 429, 500, 503, 599})
  void theStatusDeterminesTheOutcome(int status) throws Exception {
    boolean bodiless = status == 204 || status == 304;
    target.answers(
        "HTTP/1.1 "
            + status
            + " Some Words\r\n"
            + (bodiless ? "\r\n" : "Content-Length: 3\r\n\r\nabc"));
    boolean hasExcerpt = !bodiless && status / 100 != 2;
    assertEquals(new Answered(status, Optional.empty(), hasExcerpt ? "abc" : ""), perform(claim()));
    assertEquals(answered(200), perform(claim()));
    assertEquals(1, target.connections(), "the connection is used again");
  }

  @Test
  void redirectsAreNotFollowed() throws Exception {
    target.answers(
        "HTTP/1.1 302 Found\r\nLocation: "
            + target.url("/elsewhere")
            + "\r\nContent-Length: 0\r\n\r\n");
    assertEquals(answered(302), perform(claim()));
    target.next();
    assertEquals(0, target.unseen());
  }

  @Test
  void retryAfterIsParsed() throws Exception {
    target.answers("HTTP/1.1 503 Busy\r\nRetry-After: 17\r\nContent-Length: 0\r\n\r\n");
    assertEquals(new Answered(503, Optional.of(Duration.ofSeconds(17))), perform(claim()));
    target.answers(
        "HTTP/1.1 429 Slow\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: Sun, 06 Nov 1994 08:50:37 GMT\r\n"
            + "Content-Length: 0\r\n\r\n");
    assertEquals(new Answered(429, Optional.of(Duration.ofSeconds(60))), perform(claim()));
  }

  private String excerpt() throws Exception {
    return assertInstanceOf(Answered.class, perform(claim())).excerpt();
  }

  @Test
  void theBeginningOfAFailedResponseIsKept() throws Exception {
    target.answers(
        "HTTP/1.1 500 No\r\nContent-Length: 32\r\n\r\n{\"why\":\"no such\",\"token\":\"s3cr\"}");
    assertEquals("{\"why\":\"no such\",\"token\":\"***\"}", excerpt());
    target.answers("HTTP/1.1 404 No\r\nContent-Length: 100\r\n\r\n" + "0123456789".repeat(10));
    assertEquals("0123456789".repeat(6) + "0123", excerpt());
    target.answers(
        "HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nbus\r\n1\r\ny\r\n0\r\n\r\n");
    assertEquals("busy", excerpt());
    target.answers("HTTP/1.1 302 Found\r\nContent-Length: 4\r\n\r\nhere");
    assertEquals("here", excerpt());
    target.answers("HTTP/1.1 500 No\r\nContent-Length: 3\r\n\r\na\0b");
    assertEquals("(binary)", excerpt());
    target.answers("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
    assertEquals("", excerpt());
    target.answers("HTTP/1.1 500 No\r\nContent-Length: 70000\r\n\r\n" + "x".repeat(70_000));
    assertEquals("x".repeat(EXCERPT_BYTES), excerpt());
    assertEquals("", excerpt(), "of a success nothing is kept");
  }

  @Test
  void interimResponsesAreSkipped() throws Exception {
    target.answers(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
            + ScriptedTarget.OK);
    assertEquals(answered(200), perform(claim()));
    assertEquals(answered(200), perform(claim()));
    assertEquals(1, target.connections());
  }

  @Test
  void endlessInterimResponsesAreABadResponse() throws Exception {
    target.answers("HTTP/1.1 103 Early Hints\r\n\r\n".repeat(200));
    unanswered(AttemptError.BAD_RESPONSE, perform(claim()));
  }

  @Test
  void aProtocolSwitchIsABadResponse() throws Exception {
    target.answers(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
    unanswered(AttemptError.BAD_RESPONSE, perform(claim()));
  }

  @Test
  void aResponseToHeadHasNoBody() throws Exception {
    target.answers("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n");
    assertEquals(answered(200), perform(claim().method("HEAD")));
    assertEquals(answered(200), perform(claim()));
    assertEquals(1, target.connections());
  }

  @Test
  void chunksAndTrailersAreParsed() throws Exception {
    target.answers(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n");
    assertEquals(answered(200), perform(claim()));
    assertEquals(answered(200), perform(claim()));
    assertEquals(1, target.connections());
  }

  @Test
  void aResponseMayEndWithItsConnection() throws Exception {
    target.plays(talk -> {
      talk.write("HTTP/1.0 200 OK\r\n\r\nthat is all");
      talk.close();
    });
    assertEquals(answered(200), perform(claim()));
  }

  @Test
  void aConnectionWithCloseIsClosed() throws Exception {
    target.answers("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    assertEquals(answered(200), perform(claim()));
    assertEquals(1, target.nextEnd());
    assertEquals(answered(200), perform(claim()));
    assertEquals(2, target.connections());
  }

  @Test
  void theStatusOfALongResponseCountsAndTheRestIsNotRead() throws Exception {
    target.plays(talk -> {
      talk.write("HTTP/1.1 202 Accepted\r\nContent-Length: 10000000000\r\n\r\n");
      byte[] piece = new byte[64 * 1024];
      for (long sent = 0; sent < 10_000_000_000L; sent += piece.length) {
        talk.write(piece); // fails once the other side has closed
      }
    });
    assertEquals(answered(202), perform(claim()));
    assertEquals(1, target.nextEnd());
  }

  @Test
  void aResponseOfTheMaximumLengthKeepsItsConnection() throws Exception {
    target.answers("HTTP/1.1 200 OK\r\nContent-Length: 65536\r\n\r\n" + "x".repeat(65536));
    assertEquals(answered(200), perform(claim()));
    assertEquals(answered(200), perform(claim()));
    assertEquals(1, target.connections());
    target.answers("HTTP/1.1 200 OK\r\nContent-Length: 65537\r\n\r\n" + "x".repeat(65537));
    assertEquals(answered(200), perform(claim()));
    assertEquals(1, target.nextEnd());
  }

  @Test
  void responsesAreNotDecompressed() throws Exception {
    target.answers("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nnot");
    assertEquals(answered(200), perform(claim()));
    assertNull(target.next().header("Accept-Encoding"));
  }

  // Failures

  @ParameterizedTest
  @ValueSource(
      strings = {
        "SSH-2.0-OpenSSH_9.2\r\n\r\n",
        "\r\nnonsense\r\n\r\n",
        "HTTP/9 yes\r\n\r\n",
        "HTTP/1.1 abc OK\r\n\r\n",
        "HTTP/1.1 042 OK\r\n\r\n",
        "HTTP/1.1 1234 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
      })
  void invalidHttpIsABadResponse(String answer) throws Exception {
    target.answers(answer);
    unanswered(AttemptError.BAD_RESPONSE, perform(claim()));
    assertEquals(1, target.nextEnd());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nX-Note: a\u0001b\u0007\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX-Note: a\u007fb\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX_Note/1: ab\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nPHP Warning: no module on line 0\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX-Long: one\r\n two\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nSet-Cookie : a=b\r\nContent-Length: 0\r\n\r\n"
      })
  void anInvalidButUnambiguousResponseHeadIsAccepted(String answer) throws Exception {
    target.answers(answer);
    assertEquals(answered(200), perform(claim()));
    assertEquals(answered(200), perform(claim()));
    assertEquals(1, target.connections(), "its end was found");
  }

  @Test
  void chunkedEncodingOverridesContentLengthAndTheConnectionIsNotReused() throws Exception {
    target.answers(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"
            + "2\r\nok\r\n0\r\n\r\n");
    assertEquals(answered(200), perform(claim()));
    assertEquals(1, target.nextEnd());
    assertEquals(answered(200), perform(claim()));
    assertEquals(2, target.connections());
  }

  @Test
  void idleConnectionsAreClosedWhenOneOfThemTimesOut() throws Exception {
    CyclicBarrier together = new CyclicBarrier(5);
    for (int i = 0; i < 5; i++) {
      target.plays(talk -> {
        awaitAll(together);
        talk.write(ScriptedTarget.OK);
      });
    }
    List<Sending> five =
        IntStream.range(0, 5).mapToObj(_ -> dispatcher.perform(claim().build(), AMPLE)).toList();
    for (Sending one : five) {
      assertEquals(answered(200), one.outcome().get(30, TimeUnit.SECONDS));
    }
    target.plays(ScriptedTarget.Talk::awaitEnd);
    Duration limit = Duration.ofMillis(200);
    assertEquals(
        new Outcome.TimedOut(limit),
        dispatcher.perform(claim().build(), limit).outcome().get(30, TimeUnit.SECONDS));
    for (int i = 0; i < 5; i++) {
      target.nextEnd();
    }
    assertEquals(answered(200), perform(claim()));
    assertEquals(6, target.connections());
  }

  private static void awaitAll(CyclicBarrier together) {
    try {
      together.await(20, TimeUnit.SECONDS);
    } catch (InterruptedException | BrokenBarrierException | TimeoutException failed) {
      throw new IllegalStateException(failed);
    }
  }

  @Test
  void headersOverTheLimitAreABadResponse() throws Exception {
    target.answers(
        "HTTP/1.1 200 OK\r\nX-Long: " + "x".repeat(31 * 1024) + "\r\nContent-Length: 0\r\n\r\n");
    assertEquals(answered(200), perform(claim()));
    target.answers(
        "HTTP/1.1 200 OK\r\nX-Long: " + "x".repeat(33 * 1024) + "\r\nContent-Length: 0\r\n\r\n");
    unanswered(AttemptError.BAD_RESPONSE, perform(claim()));
    target.answers("x".repeat(64 * 1024));
    unanswered(AttemptError.BAD_RESPONSE, perform(claim()));
  }

  @Test
  void aConnectionClosedBeforeTheResponseEndsIsLost() throws Exception {
    for (String part :
        List.of(
            "",
            "HTTP/1.1 200",
            "HTTP/1.1 200 OK\r\nA: b\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")) {
      target.plays(talk -> {
        talk.write(part);
        talk.close();
      });
      unanswered(AttemptError.CONNECTION_LOST, perform(claim()));
      target.plays(talk -> {
        talk.write(part);
        talk.reset();
      });
      unanswered(AttemptError.CONNECTION_LOST, perform(claim()));
    }
  }

  @Test
  void aRefusedConnectionIsConnectFailed() throws Exception {
    target.close();
    Unanswered failed = unanswered(AttemptError.CONNECT_FAILED, perform(claim()));
    assertEquals("127.0.0.1:" + target.port() + ": connection refused", failed.detail());
  }

  @Test
  void aTargetThatNeverAnswersTimesOut() throws Exception {
    Duration limit = Duration.ofMillis(200);
    target.plays(ScriptedTarget.Talk::awaitEnd);
    long begun = System.nanoTime();
    assertEquals(
        new Outcome.TimedOut(limit),
        dispatcher.perform(claim().build(), limit).outcome().get(30, TimeUnit.SECONDS));
    assertTrue(System.nanoTime() - begun >= limit.toNanos());
    assertEquals(1, target.nextEnd(), "the connection is cut");
  }

  @Test
  void aSlowResponseTimesOut() throws Exception {
    Duration limit = Duration.ofMillis(300);
    CountDownLatch over = new CountDownLatch(1);
    target.plays(talk -> {
      talk.write("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
      try {
        while (!over.await(10, TimeUnit.MILLISECONDS)) {
          talk.write("x");
        }
      } catch (InterruptedException stopped) {
        Thread.currentThread().interrupt();
      }
    });
    Sending sending = dispatcher.perform(claim().build(), limit);
    assertEquals(new Outcome.TimedOut(limit), sending.outcome().get(30, TimeUnit.SECONDS));
    over.countDown();
  }

  // Cutting off

  @Test
  void aCancelledRequestIsAbortedImmediately() throws Exception {
    target.plays(ScriptedTarget.Talk::awaitEnd);
    Sending sending = dispatcher.perform(claim().build(), AMPLE);
    target.next();
    sending.cancel();
    assertEquals(new Outcome.Cancelled(), sending.outcome().get(1, TimeUnit.SECONDS));
    long cut = System.nanoTime();
    assertEquals(1, target.nextEnd());
    assertTrue(System.nanoTime() - cut < 1_000_000_000L);
    sending.cutOff();
    assertEquals(new Outcome.Cancelled(), sending.outcome().get(), "what is over stays as it was");
  }

  @Test
  void aShutdownAbortsRequests() throws Exception {
    target.plays(ScriptedTarget.Talk::awaitEnd);
    Sending sending = dispatcher.perform(claim().build(), AMPLE);
    target.next();
    sending.cutOff();
    assertEquals(new Outcome.CutOff(), sending.outcome().get(1, TimeUnit.SECONDS));
    assertEquals(1, target.nextEnd());
  }

  // Connections

  @Test
  void anIdleConnectionThatTheTargetClosesIsNotReused() throws Exception {
    target.plays(talk -> {
      talk.write(ScriptedTarget.OK);
      talk.close();
    });
    assertEquals(answered(200), perform(claim()));
    assertEquals(1, target.nextEnd());
    assertTrue(dispatcher.connections().allClosed().await(10, TimeUnit.SECONDS));
    assertEquals(answered(200), perform(claim()));
    assertEquals(2, target.connections());
  }
}
