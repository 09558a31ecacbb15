package io.taskrunner.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.http.Served.Setup;
import io.taskrunner.store.AnswerStore;
import io.taskrunner.store.redis.RedisStore;
import io.taskrunner.store.redis.StoreOptions;
import io.taskrunner.testkit.RedisExtension;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The overview is made by one process for all. */
class OverviewTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final String NAME = "overview:1.2.3";

  private RedisStore firstStore;
  private RedisStore secondStore;
  private Served first;
  private Served second;

  @BeforeEach
  void start() {
    firstStore = RedisStore.open(StoreOptions.defaults(REDIS.settings()));
    secondStore = RedisStore.open(StoreOptions.defaults(REDIS.settings()));
    first = new Served(Setup.local(), firstStore);
    second = new Served(Setup.local(), secondStore);
  }

  @AfterEach
  void stop() {
    first.close();
    second.close();
    firstStore.close();
    secondStore.close();
  }

  private static String made(Served by) {
    return by.get("/v1/overview").json().path("time").asText();
  }

  @Test
  void processesShareAnAnswer() {
    String time = made(first);
    assertEquals(time, made(second));
    assertEquals(time, made(first));
    assertTrue(REDIS.redis().sync().pttl("tr:{config}:answer:" + NAME) > 0, "it expires");
    assertEquals(0, REDIS.redis().sync().exists("tr:{config}:answer:" + NAME + ":making"));
  }

  @Test
  void anotherProcessThatMakesItDelaysNone() {
    assertTrue(firstStore.answers().promise(NAME, Duration.ofSeconds(30)));
    String time = made(second); // it has none from before, so it makes its own
    assertTrue(!time.isEmpty());
  }

  @Test
  void aLongAnswerIsNotShared() {
    AnswerStore answers = firstStore.answers();
    answers.put("long", new byte[AnswerStore.BYTES_MAX + 1], Duration.ofMinutes(1));
    answers.put("short", new byte[AnswerStore.BYTES_MAX], Duration.ofMinutes(1));
    assertTrue(secondStore.answers().get("long").isEmpty());
    assertEquals(AnswerStore.BYTES_MAX, secondStore.answers().get("short").orElseThrow().length);
  }
}
