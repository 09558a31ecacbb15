package io.taskrunner.store.redis.record;

import io.taskrunner.task.Attempt;
import io.taskrunner.task.AttemptError;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * An entry of a task's log: number, start, duration, status or 0, error or 0, and last the detail
 * of the error, or the excerpt of the response. {@code lua/lib/reap.lua} writes the same for a lost
 * lease, and {@code lua/lib/excerpt.lua} reads the excerpt.
 */
public final class LogEntry {

  private LogEntry() {}

  public static byte[] write(Attempt attempt) {
    String text = attempt.status().isPresent() ? attempt.excerpt() : attempt.detail();
    Packed out = new Packed(15 + text.length());
    out.put(attempt.number(), 2);
    out.put(attempt.start().toEpochMilli(), 6);
    out.put(Math.min(attempt.duration().toMillis(), Packed.UNSET4), 4);
    out.put(attempt.status().orElse(0), 2);
    out.put(attempt.error().map(AttemptError::code).orElse(0), 1);
    out.write(text.getBytes(StandardCharsets.UTF_8));
    return out.toByteArray();
  }

  public static Attempt read(byte[] entry) {
    ByteBuffer in = ByteBuffer.wrap(entry);
    int number = (int) Packed.number(in, 2);
    Instant start = Packed.time(in);
    Duration duration = Duration.ofMillis(Packed.number(in, 4));
    int status = (int) Packed.number(in, 2);
    int error = (int) Packed.number(in, 1);
    String text = StandardCharsets.UTF_8.decode(in).toString();
    return new Attempt(
        number,
        start,
        duration,
        status == 0 ? OptionalInt.empty() : OptionalInt.of(status),
        error == 0 ? Optional.empty() : Optional.of(AttemptError.ofCode(error)),
        status == 0 ? text : "",
        status == 0 ? "" : text);
  }
}
