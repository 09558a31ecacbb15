package io.taskrunner.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.http.Served.Reply;
import io.taskrunner.http.Served.Setup;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** HTTP/1.1 by RFC 9112, where a server must be lenient and where it must not be. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HttpRulesTest {

  private static final String TASK =
      "{\"client_id\":\"abc\",\"task\":{\"url\":\"http://example.com/\"}}";

  private Served served;

  @BeforeAll
  void start() {
    served = new Served(Setup.local(), new FakeStores());
  }

  @AfterAll
  void stop() {
    served.close();
  }

  private Reply send(String head) {
    return served.raw(head + "\r\n\r\n", new byte[0]);
  }

  @ParameterizedTest
  @ValueSource(strings = {"GET", "HEAD", "DELETE", "OPTIONS"})
  void aCallWithoutBodyDoesNotWaitForOneOfUnknownLength(String method) throws IOException {
    try (Socket socket = served.connect()) {
      String head =
          method
              + " /v1/queues/low HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
      socket.getOutputStream().write((head + "5\r\nhello\r\n").getBytes(StandardCharsets.US_ASCII));
      // The body has not ended, so it was not read to its end before this.
      Reply reply = Served.read(socket.getInputStream(), !method.equals("HEAD"));
      assertTrue(List.of(200, 405, 409).contains(reply.status()), reply.toString());
      assertEquals("close", reply.header("connection"));
    }
  }

  @Test
  void aTargetInAbsoluteFormIsReducedToItsPath() {
    for (String target :
        List.of(
            "http://localhost/version",
            "HTTP://localhost:8080/version",
            "https://127.0.0.1/version",
            "http://localhost/version?")) {
      assertEquals(200, send("GET " + target + " HTTP/1.1\r\nHost: localhost").status(), target);
    }
    Reply reply = send("GET http://localhost/v1/tasks?limit=0 HTTP/1.1\r\nHost: localhost");
    assertEquals("limit", reply.json().at("/errors/0/parameter").asText());
    assertEquals(200, send("GET http://localhost HTTP/1.1\r\nHost: localhost").status());
    assertEquals(
        201,
        served
            .raw(
                "POST http://localhost/v1/enqueue HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
                    + TASK.length()
                    + "\r\n\r\n",
                TASK.getBytes(StandardCharsets.UTF_8))
            .status());
  }

  @Test
  void theAuthorityOfAnAbsoluteTargetReplacesTheHost() {
    assertEquals(200, send("GET http://localhost/version HTTP/1.1\r\nHost: example.com").status());
    assertEquals(421, send("GET http://example.com/version HTTP/1.1\r\nHost: localhost").status());
    assertEquals(200, send("GET http://localhost/version HTTP/1.1").status());
    assertEquals(400, send("GET http:///version HTTP/1.1\r\nHost: localhost").status());
    assertEquals(400, send("GET ftp://localhost/version HTTP/1.1\r\nHost: localhost").status());
  }

  @Test
  void aMissingOrRepeatedHostIsRejected() {
    Reply missing = send("GET /version HTTP/1.1\r\nAccept: */*");
    assertEquals("400 invalid_request", missing.status() + " " + missing.code());
    assertEquals(
        "Host: missing (expected: one, as in HTTP/1.1).", missing.json().path("detail").asText());
    assertEquals(400, send("GET /version HTTP/1.1\r\nHost: localhost\r\nHost: localhost").status());
    assertEquals(
        400, send("GET /version HTTP/1.1\r\nHost: localhost\r\nhost: example.com").status());
  }

  @Test
  void anHttp10CallRequiresNoHost() {
    assertEquals(200, send("GET /health/live HTTP/1.0").status());
    assertEquals(421, send("GET /health/live HTTP/1.0\r\nHost: example.com").status());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ":80",
        "a b",
        "a/b",
        "u@localhost",
        "localhost:x",
        "localhost:-1",
        "localhost:123456",
        "[::1",
        "[]",
        "[::g]",
        "::1",
        "a\"b",
        "a,\tb",
        "caf\u00e9"
      })
  void aMalformedHostIsRejected(String host) {
    assertEquals(400, send("GET /version HTTP/1.1\r\nHost: " + host).status(), host);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]:65535", "localhost:"})
  void aWellFormedHostIsAccepted(String host) {
    assertEquals(200, send("GET /version HTTP/1.1\r\nHost: " + host).status(), host);
  }
}
