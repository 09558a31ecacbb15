package io.taskrunner.task;

import java.util.Locale;
import java.util.Optional;

/** The state of a task. */
public enum TaskState {
  /**
   * Waits for its due time. In: enqueued with a later time. Out: the due time, a run, a cancel, a
   * purge.
   */
  SCHEDULED('s'),
  /** May start immediately. In: due. Out: a claim, a cancel, a purge. */
  READY('r'),
  /** A worker performs it. In: a claim. Out: a verdict, or its lease expires. */
  ACTIVE('a'),
  /** Waits for its backoff. In: a failed attempt. Out: as from {@link #SCHEDULED}. */
  RETRY('t'),
  /** Performed. In: an attempt with a 2xx response. Out: its retention ends. */
  SUCCEEDED('k'),
  /**
   * Given up. In: rejected permanently, retries used up, or expired. Out: a manual retry, or its
   * retention ends.
   */
  DEAD('d'),
  /** Cancelled. In: a cancel. Out: its retention ends. */
  CANCELLED('c');

  private final char code;

  TaskState(char code) {
    this.code = code;
  }

  /** Its letter in a stored record. */
  public char code() {
    return code;
  }

  /** Its name in responses, metrics and logs. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Whether the task has finished: succeeded, dead or cancelled. */
  public boolean finished() {
    return this == SUCCEEDED || this == DEAD || this == CANCELLED;
  }

  /** The state with a record's letter. */
  public static TaskState ofCode(int code) {
    for (TaskState state : values()) {
      if (state.code == code) {
        return state;
      }
    }
    throw new IllegalArgumentException("state: " + code + " (expected: one of s r a t k d c)");
  }

  /** The state with a name, such as {@code scheduled}; empty when there is none. */
  public static Optional<TaskState> ofWord(String word) {
    for (TaskState state : values()) {
      if (state.word().equals(word)) {
        return Optional.of(state);
      }
    }
    return Optional.empty();
  }
}
