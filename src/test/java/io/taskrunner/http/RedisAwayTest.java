package io.taskrunner.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.http.Served.Reply;
import io.taskrunner.http.Served.Setup;
import io.taskrunner.store.redis.RedisStore;
import io.taskrunner.store.redis.StoreOptions;
import io.taskrunner.testkit.RedisServer;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** The responses to callers while Redis is unavailable, and once it is back. */
class RedisAwayTest {

  private static final String KEYED =
      "{\"client_id\":\"abc\",\"idempotency_key\":\"k\",\"task\":{\"url\":\"http://h/\"}}";

  private static final Duration PATIENCE = Duration.ofSeconds(1);

  @Test
  void callsWaitThenFailAndAreServedAgainImmediately() throws IOException, InterruptedException {
    try (RedisServer redis = RedisServer.start();
        RedisStore store =
            RedisStore.open(StoreOptions.defaults(RedisServer.settings(redis.port(), PATIENCE)));
        Served served = new Served(Setup.local(), store)) {
      assertEquals(200, served.get("/health/ready").status());
      redis.freeze();
      try {
        Reply refused = served.post("/v1/enqueue", KEYED);
        assertEquals("503 store_unavailable", refused.status() + " " + refused.code());
        assertEquals("1", refused.header("retry-after"));
        assertEquals("store_unavailable", served.get("/v1/tasks").code());
        assertEquals(503, served.get("/health/ready").status());
        assertEquals(503, served.get("/health").status());
        assertEquals(200, served.get("/health/live").status());
        assertEquals(200, served.get("/version").status());
        assertEquals(200, served.get("/metrics").status());
      } finally {
        redis.thaw();
      }
      long back = System.nanoTime();
      while (served.get("/health/ready").status() != 200) {
        assertTrue(System.nanoTime() - back < Duration.ofSeconds(5).toNanos(), "ready within 5 s");
      }
      Reply again = served.post("/v1/enqueue", KEYED);
      assertTrue(again.status() == 201 || again.status() == 200, again.body());
      assertEquals(
          1,
          served.get("/v1/queues/default").json().path("stats").path("ready").asInt(),
          "the same key made no second task");
    }
  }

  @Test
  void aPendingCallSucceedsWhenRedisReturnsInTime() throws Exception {
    try (RedisServer redis = RedisServer.start();
        RedisStore store =
            RedisStore.open(
                StoreOptions.defaults(RedisServer.settings(redis.port(), Duration.ofSeconds(20))));
        Served served = new Served(Setup.local(), store);
        Socket socket = served.connect()) {
      redis.freeze();
      String call =
          "POST /v1/enqueue HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
              + KEYED.length()
              + "\r\n\r\n"
              + KEYED;
      socket.getOutputStream().write(call.getBytes(StandardCharsets.US_ASCII));
      assertEquals(503, served.get("/health/ready").status());
      redis.thaw();
      assertEquals(201, Served.read(socket.getInputStream(), true).status());
    }
  }
}
