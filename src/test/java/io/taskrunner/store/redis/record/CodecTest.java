package io.taskrunner.store.redis.record;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.task.Attempt;
import io.taskrunner.task.AttemptError;
import io.taskrunner.task.CloudRetryPolicy;
import io.taskrunner.task.Retry;
import io.taskrunner.task.TargetRequest;
import io.taskrunner.task.TargetUrl;
import io.taskrunner.task.Task.TaskSpec;
import io.taskrunner.telemetry.Tracing.Place;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A written record is read back equal. */
class CodecTest {

  private static final List<String> URLS =
      List.of(
          "http://a/",
          "https://example.com/",
          "http://example.com:8080/a/b?c=d&e=%20",
          "https://[2001:db8::1]/x",
          "http://[::1]:81/?q",
          "http://127.0.0.1:65535/" + "x".repeat(2000));

  private final Random random = new Random(3);

  private static TargetUrl url(String text) {
    return ((TargetUrl.Parsed.Good) TargetUrl.parse(text)).url();
  }

  private <T> @Nullable T maybe(T value) {
    return random.nextBoolean() ? value : null;
  }

  private String word(int most) {
    StringBuilder word = new StringBuilder("w");
    int length = random.nextInt(most);
    for (int i = 0; i < length; i++) {
      word.append("aé→z".charAt(random.nextInt(4)));
    }
    return word.toString();
  }

  private Duration millis(long most) {
    return Duration.ofMillis(random.nextLong(most));
  }

  private TaskSpec spec() {
    List<TargetRequest.Header> headers = new ArrayList<>();
    for (int i = random.nextInt(5) == 0 ? 64 : random.nextInt(4); i > 0; i--) {
      headers.add(new TargetRequest.Header("X-" + i, word(200)));
    }
    Map<String, String> labels = new LinkedHashMap<>();
    for (int i = random.nextInt(11); i > 0; i--) {
      labels.put("l" + i, word(60));
    }
    byte[] body = new byte[random.nextInt(3) == 0 ? 0 : random.nextInt(2000)];
    random.nextBytes(body);
    TargetRequest request =
        new TargetRequest(
            TargetRequest.METHODS.get(random.nextInt(TargetRequest.METHODS.size())),
            url(URLS.get(random.nextInt(URLS.size()))),
            headers,
            body,
            random.nextBoolean());
    Retry retry =
        random.nextInt(3) == 0
            ? Retry.UNSET
            : new Retry(
                maybe(random.nextInt(101)),
                maybe(millis(4_000_000_000L)),
                maybe(millis(1L << 40)),
                maybe(random.nextInt(1000)),
                maybe(millis(1L << 40)),
                maybe(random.nextBoolean()));
    return new TaskSpec(
        request,
        retry,
        maybe(millis(86_400_000)),
        maybe(Instant.ofEpochMilli(random.nextLong(1L << 47))),
        maybe(1 + random.nextInt(1_000_000_000)),
        Duration.ofSeconds(random.nextLong(1L << 32)),
        labels,
        maybe(
            new Place("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", maybe(word(300)))),
        null);
  }

  private static byte[] record(byte[] tail) {
    byte[] record = new byte[TaskCodec.TAIL + tail.length];
    record[0] = 1;
    record[1] = 's';
    System.arraycopy(tail, 0, record, TaskCodec.TAIL, tail.length);
    return record;
  }

  @Test
  void truncatedAndInvalidRecordsAreRejected() {
    for (int i = 0; i < 2000; i++) {
      byte[] record = record(TaskTail.of("abc", spec()));
      TaskCodec.read(Arrays.copyOf(record, random.nextInt(record.length)));
      byte[] garbage = new byte[random.nextInt(300)];
      random.nextBytes(garbage);
      TaskCodec.read(garbage);
    }
    assertTrue(TaskCodec.read(new byte[0]).isEmpty());
    assertTrue(TaskCodec.read(Keys.bytes("garbage")).isEmpty());
    byte[] record = record(TaskTail.of("abc", spec()));
    assertTrue(TaskCodec.read(Arrays.copyOf(record, TaskCodec.TAIL + 12)).isEmpty());
  }

  @Test
  void everySpecIsReadAsWritten() {
    for (int i = 0; i < 2000; i++) {
      TaskSpec spec = spec();
      String client = "c".repeat(3 + random.nextInt(62));
      boolean planned = random.nextBoolean();
      TaskRecord read =
          TaskCodec.decode(
              record(planned ? TaskTail.ofPlanned(client, spec) : TaskTail.of(client, spec)));
      assertEquals(planned, read.planned().isPresent());
      assertEquals(client, read.clientId());
      assertFalse(read.bodyDropped());
      assertArrayEquals(spec.request().body(), read.spec().request().body());
      TargetRequest request = read.spec().request();
      assertEquals(spec.request().url(), request.url());
      assertEquals(spec.request().method(), request.method());
      assertEquals(spec.request().headers(), request.headers());
      assertEquals(spec.request().text(), request.text());
      assertEquals(
          List.of(
              spec.retry(),
              Optional.ofNullable(spec.timeout()),
              Optional.ofNullable(spec.expires()),
              Optional.ofNullable(spec.maxConcurrent()),
              spec.retention(),
              spec.labels(),
              Optional.ofNullable(spec.trace())),
          List.of(
              read.spec().retry(),
              Optional.ofNullable(read.spec().timeout()),
              Optional.ofNullable(read.spec().expires()),
              Optional.ofNullable(read.spec().maxConcurrent()),
              read.spec().retention(),
              read.spec().labels(),
              Optional.ofNullable(read.spec().trace())));
    }
  }

  @Test
  void aRecordWithoutItsBodyIsMarked() {
    TaskSpec spec = spec();
    while (spec.request().body().length == 0) {
      spec = spec();
    }
    byte[] record = record(TaskTail.of("abc", spec));
    byte[] without = Arrays.copyOf(record, record.length - spec.request().body().length);
    TaskRecord read = TaskCodec.decode(without);
    assertTrue(read.bodyDropped());
    assertEquals(0, read.spec().request().body().length);
    assertEquals(spec.labels(), read.spec().labels());
  }

  @Test
  void anEntryOfTheLogIsReadAsWritten() {
    for (int i = 0; i < 500; i++) {
      boolean answered = random.nextBoolean();
      Attempt attempt =
          new Attempt(
              1 + random.nextInt(65_535),
              Instant.ofEpochMilli(random.nextLong(1L << 47)),
              millis(1L << 32),
              answered ? OptionalInt.of(100 + random.nextInt(500)) : OptionalInt.empty(),
              answered
                  ? Optional.empty()
                  : Optional.of(
                      AttemptError.values()[random.nextInt(AttemptError.values().length)]),
              answered ? "" : word(200),
              answered ? word(4096) : "");
      assertEquals(attempt, LogEntry.read(LogEntry.write(attempt)));
    }
  }

  @Test
  void queueSettingsAreReadAsWritten() {
    for (int i = 0; i < 500; i++) {
      TaskSpec spec = spec();
      Policy read = Policy.of(Policy.write(spec.retry(), spec.timeout()));
      assertEquals(spec.retry(), read.retry());
      assertEquals(Optional.ofNullable(spec.timeout()), Optional.ofNullable(read.timeout()));
    }
  }

  @Test
  void settingsOfCloudTasksQueuesAreReadAsWritten() {
    for (int i = 0; i < 500; i++) {
      CloudRetryPolicy policy =
          new CloudRetryPolicy(
              random.nextInt(4) == 0 ? -1 : 1 + random.nextInt(Integer.MAX_VALUE),
              random.nextBoolean() ? Duration.ZERO : millis(1L << 47),
              millis(1L << 47),
              millis(1L << 47),
              random.nextInt(Integer.MAX_VALUE));
      assertEquals(policy, Policy.of(Policy.write(policy)).cloud());
    }
  }

  @Test
  void aCloudTaskIsReadAsWritten() {
    for (int i = 0; i < 500; i++) {
      TaskSpec spec = spec();
      String name = random.nextBoolean() ? "n" + word(100) : null;
      byte[] echoed = new byte[random.nextInt(300)];
      random.nextBytes(echoed);
      byte[] record =
          record(
              TaskTail.ofCloud(
                  spec,
                  random.nextBoolean(),
                  new TaskTail.CloudFacts(250, name, Duration.ofHours(1), echoed)));
      TaskRecord read = TaskCodec.decode(record);
      TaskRecord.Cloud cloud = Objects.requireNonNull(read.cloud());
      assertEquals(Optional.ofNullable(name), Optional.ofNullable(cloud.name()));
      assertArrayEquals(echoed, cloud.echoed());
      assertEquals(0, cloud.responses());
      assertEquals(Optional.empty(), cloud.lastBegan());
      assertEquals(Optional.empty(), cloud.calledFor());
      assertArrayEquals(spec.request().body(), read.spec().request().body());
      assertEquals(spec.request().headers(), read.spec().request().headers());
      assertEquals(spec.request().url(), read.spec().request().url());
      assertEquals(spec.labels(), read.spec().labels());
      assertEquals(spec.retry(), read.spec().retry());
      assertEquals("", read.clientId());
    }
  }
}
