package io.taskrunner.store;

import io.taskrunner.task.TaskId;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What happened in the queues: the last 24 hours by minute, the last 35 days by hour, and the
 * newest failed attempts. Each process counts what it does in memory and sends it every 5 s; what a
 * process counted since then is lost if it is killed.
 */
public interface SeriesStore {

  /** How long single minutes are kept; then they are a part of their hour. */
  Duration MINUTES_KEPT = Duration.ofHours(24);

  /** How long hours are kept. */
  Duration HOURS_KEPT = Duration.ofDays(35);

  /** The number of failed attempts that are kept. */
  int FAILURES_MAX = 200;

  /**
   * The series of a queue, or of several together.
   *
   * @param from a multiple of the step since the epoch
   * @param count the number of steps, at least 1
   * @param step whole minutes; with whole hours, hours older than {@link #MINUTES_KEPT} are
   *     included
   * @return one for each step, null where nothing is known; empty when there is no such queue
   */
  Optional<List<@Nullable Point>> read(Of of, Instant from, int count, Duration step);

  /**
   * The number of attempts that ended in each of the last minutes, for some queues.
   *
   * @param queues their names
   * @param minutes how many, at most 60; the last is the current one
   * @return in the order of time, null where nothing is known; without queues that have no series
   */
  Map<String, List<@Nullable Long>> ended(List<String> queues, int minutes);

  /** The newest failed attempts, the newest first. */
  List<Failure> failures();

  /** The queues that a series is of. */
  sealed interface Of {
    /** All together. */
    record All() implements Of {}

    /** Those together that have no series of their own, because 100 others have one. */
    record Others() implements Of {}

    /** One. */
    record Named(String queue) implements Of {}
  }

  /**
   * What happened in a time.
   *
   * @param counts what was counted
   * @param sample what was in the queue, the most; null when nothing looked at it
   */
  record Point(Counts counts, @Nullable Sample sample) {}

  /**
   * What was counted.
   *
   * @param enqueued tasks created by a call or a schedule
   * @param succeeded tasks
   * @param failed attempts
   * @param died tasks that became dead after an attempt
   * @param lag of attempts: from the due time to the claim
   * @param duration of attempts
   */
  record Counts(
      long enqueued, long succeeded, long failed, long died, Histogram lag, Histogram duration) {}

  /**
   * The number of tasks.
   *
   * @param waiting scheduled and retrying ones
   */
  record Sample(long ready, long active, long waiting, long dead, Duration oldestReady) {}

  /**
   * A failed attempt.
   *
   * @param host and port; empty when it is not known
   * @param cause {@code http_500}, or the word of an {@link io.taskrunner.task.AttemptError}
   * @param attempt its number; 0 when it is not known
   */
  record Failure(Instant time, TaskId task, String queue, String host, String cause, int attempt) {}
}
