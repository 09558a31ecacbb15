package io.taskrunner.task;

import java.util.Locale;
import java.util.Optional;

/** Where a task stands in its life. */
public enum TaskState {
  /**
   * Waits for its time. In: enqueued with a later time. Out: the time comes, a run, a cancel, a
   * purge.
   */
  SCHEDULED('s'),
  /** May start at once. In: due. Out: a claim, a cancel, a purge. */
  READY('r'),
  /** A worker performs it. In: a claim. Out: a verdict, or the end of its lease. */
  ACTIVE('a'),
  /** Waits for its backoff. In: a failed attempt. Out: as from {@link #SCHEDULED}. */
  RETRY('t'),
  /** Performed. In: an attempt that the target answered with 2xx. Out: its retention ends. */
  SUCCEEDED('k'),
  /**
   * Given up. In: refused for good, retries used up, or expired. Out: a retry by hand, or its
   * retention ends.
   */
  DEAD('d'),
  /** Called off. In: a cancel. Out: its retention ends. */
  CANCELLED('c');

  private final char code;

  TaskState(char code) {
    this.code = code;
  }

  /** The letter that stands for the state in a stored record. */
  public char code() {
    return code;
  }

  /** The word that stands for the state in answers, metrics and logs. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Whether the task's life is over: succeeded, dead or cancelled. */
  public boolean finished() {
    return this == SUCCEEDED || this == DEAD || this == CANCELLED;
  }

  /** The state of a record's letter. */
  public static TaskState ofCode(int code) {
    for (TaskState state : values()) {
      if (state.code == code) {
        return state;
      }
    }
    throw new IllegalArgumentException("state: " + code + " (expected: one of s r a t k d c)");
  }

  /** The state of a word, such as {@code scheduled}; empty when there is none. */
  public static Optional<TaskState> ofWord(String word) {
    for (TaskState state : values()) {
      if (state.word().equals(word)) {
        return Optional.of(state);
      }
    }
    return Optional.empty();
  }
}
