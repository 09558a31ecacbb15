package io.taskrunner.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.linecorp.armeria.client.ClientFactory;
import com.linecorp.armeria.client.ConnectionPoolListenerAdapter;
import com.linecorp.armeria.client.WebClient;
import com.linecorp.armeria.common.AggregatedHttpResponse;
import com.linecorp.armeria.common.SessionProtocol;
import io.netty.util.AttributeMap;
import io.taskrunner.http.Served.Reply;
import io.taskrunner.http.Served.Setup;
import io.taskrunner.store.EnqueueResult;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The limits: headers, calls that wait for the store, the bytes that they hold. */
class LimitsTest {

  private static final String TASK = "{\"client_id\":\"abc\",\"task\":{\"url\":\"http://h/\"}}";

  private final FakeStores stores = new FakeStores();
  private final Queue<CompletableFuture<EnqueueResult>> waiting = new ConcurrentLinkedQueue<>();
  private final Semaphore arrived = new Semaphore(0);
  private Served served;

  @BeforeEach
  void start() {
    served = new Served(Setup.local(), stores);
  }

  @AfterEach
  void stop() {
    answerAll();
    served.close();
  }

  /** From now on the store holds its answers back. */
  private void holdAnswers() {
    stores.onEnqueue =
        _ -> {
          CompletableFuture<EnqueueResult> answer = new CompletableFuture<>();
          waiting.add(answer);
          arrived.release();
          return answer;
        };
  }

  private void answerAll() {
    for (var answer = waiting.poll(); answer != null; answer = waiting.poll()) {
      answer.complete(new EnqueueResult.StoreFull());
    }
  }

  private static String call(String body) {
    return "POST /v1/enqueue HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
        + body.length()
        + "\r\n\r\n"
        + body;
  }

  @Test
  void pendingCallsAreBoundedInNumber() throws IOException, InterruptedException {
    holdAnswers();
    try (Socket socket = served.connect()) {
      Thread writer =
          Thread.ofVirtual().start(() -> write(socket, call(TASK).repeat(ApiServer.CALLS_MAX)));
      assertTrue(arrived.tryAcquire(ApiServer.CALLS_MAX, 60, TimeUnit.SECONDS));
      writer.join();
      Reply refused = served.post("/v1/enqueue", TASK);
      assertEquals("503 store_unavailable", refused.status() + " " + refused.code());
      assertEquals("1", refused.header("retry-after"));
      assertEquals(503, served.get("/v1/queues").status());
      assertEquals(200, served.get("/health/live").status());
      answerAll();
      InputStream in = new BufferedInputStream(socket.getInputStream());
      for (int i = 0; i < ApiServer.CALLS_MAX; i++) {
        assertEquals(429, Served.read(in, true).status());
      }
      assertEquals(200, served.get("/v1/queues").status());
    }
  }

  private static void write(Socket socket, String text) {
    try {
      socket.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
      socket.getOutputStream().flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void pendingCallsAreBoundedInBytes() throws IOException, InterruptedException {
    holdAnswers();
    String body =
        TASK.substring(0, TASK.length() - 1) + " ".repeat((1 << 20) - TASK.length()) + "}";
    List<Socket> sockets = new ArrayList<>();
    try {
      for (int i = 0; i < 64; i++) {
        Socket socket = served.connect();
        sockets.add(socket);
        write(socket, call(body));
        assertTrue(arrived.tryAcquire(30, TimeUnit.SECONDS));
      }
      Reply refused = served.post("/v1/enqueue", body);
      assertEquals("503 store_unavailable", refused.status() + " " + refused.code());
      answerAll();
      for (Socket socket : sockets) {
        assertEquals(429, Served.read(socket.getInputStream(), true).status());
      }
      stores.onEnqueue = _ -> CompletableFuture.completedFuture(new EnqueueResult.StoreFull());
      assertEquals(429, served.post("/v1/enqueue", body).status());
    } finally {
      for (Socket socket : sockets) {
        socket.close();
      }
    }
  }

  @Test
  void headersAndPathsAreBounded() {
    Reply headers = served.get("/version", "X-Long", "x".repeat(17_000));
    assertEquals("431 headers_too_large", headers.status() + " " + headers.code());
    assertEquals("application/problem+json", headers.header("content-type"));
    assertEquals(headers.header("x-request-id"), headers.json().path("instance").asText());
    Reply path = served.get("/" + "x".repeat(17_000));
    assertEquals("414 uri_too_long", path.status() + " " + path.code());
    assertEquals(200, served.get("/version", "X-Long", "x".repeat(15_000)).status());
  }

  @Test
  void invalidHttpIsAnsweredWithAProblem() {
    for (String head :
        List.of(
            "GET  HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET /a%00b HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: localhost\r\nbad header\r\n\r\n")) {
      Reply reply = served.raw(head, new byte[0]);
      assertEquals("400 invalid_request", reply.status() + " " + reply.code(), head);
      assertEquals("application/problem+json", reply.header("content-type"));
    }
    Reply expectation = served.get("/version", "Expect", "a-miracle");
    assertEquals("417 expectation_failed", expectation.status() + " " + expectation.code());
  }

  @Test
  void theSamePortServesHttp2() {
    AtomicInteger opened = new AtomicInteger();
    try (ClientFactory factory =
        ClientFactory.builder()
            .connectionPoolListener(
                new ConnectionPoolListenerAdapter() {
                  @Override
                  public void connectionOpen(
                      SessionProtocol protocol,
                      InetSocketAddress remote,
                      InetSocketAddress local,
                      AttributeMap attributes) {
                    opened.incrementAndGet();
                  }
                })
            .build()) {
      WebClient client =
          WebClient.builder("h2c://localhost:" + served.server.port()).factory(factory).build();
      AggregatedHttpResponse answer = client.post("/v1/enqueue", TASK).aggregate().join();
      assertEquals(201, answer.status().code(), answer.contentUtf8());
      assertTrue(answer.headers().contains("x-request-id"));
      String padded = TASK.substring(0, TASK.length() - 1) + " ".repeat(100_000) + "}";
      assertEquals(201, client.post("/v1/enqueue", padded).aggregate().join().status().code());
      assertEquals(200, client.get("/version").aggregate().join().status().code());
      assertEquals(404, client.delete("/v1/tasks/x").aggregate().join().status().code());
      assertEquals(404, client.post("/nowhere", padded).aggregate().join().status().code());
      AggregatedHttpResponse tooLong =
          client.post("/v1/enqueue", " ".repeat((1 << 20) + 1)).aggregate().join();
      assertEquals(413, tooLong.status().code());
      assertEquals(200, client.get("/version").aggregate().join().status().code());
      assertEquals(1, opened.get());
    }
  }

  @Test
  void aConnectionIsClosedAfterACallThatWasNotReadCompletely() throws IOException {
    try (Socket socket = served.connect()) {
      write(
          socket,
          "POST /v1/enqueue HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n\r\n{");
      assertEquals(413, Served.read(socket.getInputStream(), true).status());
      assertEquals(-1, socket.getInputStream().read());
    }
    try (Socket socket = served.connect()) {
      write(socket, call(TASK));
      assertEquals(201, Served.read(socket.getInputStream(), true).status());
      write(socket, "DELETE /v1/tasks/x HTTP/1.1\r\nHost: localhost\r\n\r\n");
      assertEquals(404, Served.read(socket.getInputStream(), true).status());
      write(socket, call(TASK).replace("/v1/enqueue", "/nowhere"));
      assertEquals(404, Served.read(socket.getInputStream(), true).status());
      write(socket, call("nope"));
      assertEquals(400, Served.read(socket.getInputStream(), true).status());
      write(socket, call(TASK));
      assertEquals(201, Served.read(socket.getInputStream(), true).status(), "else it goes on");
    }
  }

  @Test
  void aCallThatDoesNotArriveInTimeIs408() throws IOException {
    List<Socket> sockets = new ArrayList<>();
    try {
      // One body that is read before its call begins, one that is read as it arrives.
      for (int length : List.of(1000, 100_000)) {
        Socket socket = served.connect();
        socket.setSoTimeout(60_000);
        sockets.add(socket);
        write(
            socket,
            "POST /v1/enqueue HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
                + length
                + "\r\n\r\n{");
      }
      for (Socket socket : sockets) {
        Reply reply = Served.read(socket.getInputStream(), true);
        assertEquals("408 request_timeout", reply.status() + " " + reply.code());
        assertEquals(-1, socket.getInputStream().read(), "the connection ends");
      }
    } finally {
      for (Socket socket : sockets) {
        socket.close();
      }
    }
  }
}
