package io.taskrunner.http.v1;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.taskrunner.http.call.Faults;
import io.taskrunner.http.call.Fields;
import io.taskrunner.http.call.Json;
import io.taskrunner.store.Enqueue;
import io.taskrunner.store.Enqueue.Proof;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Equal requests have the same digest however they are written; different ones differ. */
class PayloadTest {

  private static Enqueue read(String json) {
    Faults faults = new Faults();
    Fields fields =
        new Fields(Json.object(json.getBytes(StandardCharsets.UTF_8), 1000), "", faults);
    Enqueue command =
        EnqueueFields.read(
            fields,
            new EnqueueFields.Around(Proof.OPEN, "abc", null, "key", null, Duration.ofHours(1)));
    assertEquals(List.of(), faults.list());
    return command;
  }

  private static byte[] digest(String json) {
    return read(json).idempotency().payload();
  }

  @Test
  void theSameRequestWrittenDifferentlyHasTheSameDigest() {
    byte[] plain =
        digest(
            "{\"task\":{\"url\":\"http://h/\",\"headers\":{\"A\":\"1\",\"B\":\"2\"},\"body\":\"hi\"},\"labels\":{\"x\":\"y\",\"z\":\"\"}}");
    for (String json :
        List.of(
            "{\"labels\":{\"z\":\"\",\"x\":\"y\"},\"task\":{\"body\":\"hi\",\"headers\":{\"B\":\"2\",\"A\":\"1\"},\"url\":\"http://h/\"}}",
            "{\"delay\":0,\"queue\":\"default\",\"retention_sec\":3600,\"labels\":{\"x\":\"y\",\"z\":\"\"},"
                + "\"task\":{\"method\":\"post\",\"url\":\"HTTP://H\",\"headers\":{\"a\":\"1\",\"b\":\"2\"},\"body_base64\":\"aGk=\"}}",
            "{\"retry\":{},\"rate_limit\":{},\"idempotency_key\":\"key\",\"labels\":{\"x\":\"y\",\"z\":\"\"},"
                + "\"task\":{\"url\":\"http://h/#f\",\"headers\":{\"A\":\"1\",\"B\":\"2\"},\"body\":\"\\u0068i\"}}")) {
      assertArrayEquals(plain, digest(json), json);
    }
  }

  @Test
  void eachFieldChangesTheDigest() {
    Set<String> seen = new HashSet<>();
    for (String json :
        List.of(
            "{\"task\":{\"url\":\"http://h/\"}}",
            "{\"task\":{\"url\":\"http://h/a\"}}",
            "{\"task\":{\"url\":\"http://h/\",\"method\":\"PUT\"}}",
            "{\"task\":{\"url\":\"http://h/\",\"body\":\"b\"}}",
            "{\"task\":{\"url\":\"http://h/\",\"headers\":{\"a\":\"b\"}}}",
            "{\"task\":{\"url\":\"http://h/\",\"headers\":{\"ab\":\"\"}}}",
            "{\"task\":{\"url\":\"http://h/\"},\"queue\":\"low\"}",
            "{\"task\":{\"url\":\"http://h/\"},\"delay\":1}",
            "{\"task\":{\"url\":\"http://h/\"},\"schedule_time\":\"1970-01-01T00:00:01Z\"}",
            "{\"task\":{\"url\":\"http://h/\"},\"expires_time\":\"1970-01-01T00:00:01Z\"}",
            "{\"task\":{\"url\":\"http://h/\"},\"timeout_sec\":1}",
            "{\"task\":{\"url\":\"http://h/\"},\"retry\":{\"max_retries\":1}}",
            "{\"task\":{\"url\":\"http://h/\"},\"retry\":{\"max_doublings\":1}}",
            "{\"task\":{\"url\":\"http://h/\"},\"retry\":{\"min_backoff_sec\":0.001}}",
            "{\"task\":{\"url\":\"http://h/\"},\"retry\":{\"max_backoff_sec\":0.001}}",
            "{\"task\":{\"url\":\"http://h/\"},\"retry\":{\"max_duration_sec\":0.001}}",
            "{\"task\":{\"url\":\"http://h/\"},\"retry\":{\"retry_client_errors\":true}}",
            "{\"task\":{\"url\":\"http://h/\"},\"retry\":{\"retry_client_errors\":false}}",
            "{\"task\":{\"url\":\"http://h/\"},\"rate_limit\":{\"max_concurrent\":1}}",
            "{\"task\":{\"url\":\"http://h/\"},\"rate_limit\":{\"requests_per_min\":1}}",
            "{\"task\":{\"url\":\"http://h/\"},\"labels\":{\"a\":\"b\"}}",
            "{\"task\":{\"url\":\"http://h/\"},\"retention_sec\":0}")) {
      String digest = Arrays.toString(digest(json));
      assertFalse(seen.contains(digest), json);
      seen.add(digest);
    }
  }
}
