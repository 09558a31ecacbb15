package io.taskrunner.cloudtasks;

import com.google.protobuf.Timestamp;
import com.google.protobuf.util.Durations;
import com.google.protobuf.util.Timestamps;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/** Moments and durations as the protocol writes them. */
final class Times {

  private Times() {}

  /** A duration of {@code field}, which may be negative. */
  static Duration duration(String field, com.google.protobuf.Duration given) {
    if (!Durations.isValid(given)) {
      throw Failure.invalid(field + " is not a valid duration.");
    }
    return Duration.ofSeconds(given.getSeconds(), given.getNanos());
  }

  static com.google.protobuf.Duration duration(Duration duration) {
    return com.google.protobuf.Duration.newBuilder()
        .setSeconds(duration.getSeconds())
        .setNanos(duration.getNano())
        .build();
  }

  /** A moment of {@code field}, cut to microseconds. */
  static Instant instant(String field, Timestamp given) {
    if (!Timestamps.isValid(given)) {
      throw Failure.invalid(field + " is not a valid timestamp.");
    }
    return Instant.ofEpochSecond(given.getSeconds(), given.getNanos())
        .truncatedTo(ChronoUnit.MICROS);
  }

  /** A moment, cut to microseconds. */
  static Timestamp timestamp(Instant at) {
    Instant cut = at.truncatedTo(ChronoUnit.MICROS);
    return Timestamp.newBuilder().setSeconds(cut.getEpochSecond()).setNanos(cut.getNano()).build();
  }
}
