package io.taskrunner.store.redis.record;

import io.taskrunner.task.AttemptError;
import io.taskrunner.task.Task.TaskSpec;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** A decoded record. */
// Flat row: one component for each field of the stored record.
public record TaskRecord(
    char state,
    int error,
    int status,
    int attempts,
    int answers,
    long claim,
    Instant due,
    long firstMillis,
    Optional<Instant> ended,
    int queue,
    Instant created,
    Optional<Instant> planned,
    String clientId,
    boolean bodyDropped,
    TaskSpec spec,
    @Nullable Cloud cloud) {

  /** When it was asked to be due: at its creation, unless a time was given. */
  public Instant scheduled() {
    return planned.orElse(created);
  }

  /** When the first attempt began; empty before it. */
  public Optional<Instant> first() {
    return firstMillis == 0 ? Optional.empty() : Optional.of(Instant.ofEpochMilli(firstMillis));
  }

  /** The target's last status, as reported in headers: 504 after a timeout. */
  public OptionalInt previousStatus() {
    if (status > 0) {
      return OptionalInt.of(status);
    }
    return error == AttemptError.TIMEOUT.code() ? OptionalInt.of(504) : OptionalInt.empty();
  }

  /**
   * Additional data of a task of Cloud Tasks.
   *
   * @param name that it was given; null for none
   * @param responses attempts that received a status
   * @param lastDue when the latest attempt was due
   * @param lastBegan when it began; empty before the first
   * @param lastEnded when it ended; empty while it runs
   * @param calledFor when a RunTask requested the running attempt
   */
  public record Cloud(
      @Nullable String name,
      byte[] echoed,
      int responses,
      Instant lastDue,
      Optional<Instant> lastBegan,
      Optional<Instant> lastEnded,
      Optional<Instant> calledFor) {}
}
