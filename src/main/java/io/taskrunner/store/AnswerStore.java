package io.taskrunner.store;

import java.time.Duration;
import java.util.Optional;

/** Answers that take some work, made by one process for all of them. */
public interface AnswerStore {

  /** Longer answers are not shared. */
  int BYTES_MAX = 64 * 1024;

  /** The answer that a process has made; empty when there is none, or no more. */
  Optional<byte[]> get(String name);

  /**
   * Whether the caller is to make the answer.
   *
   * @param within how long the others leave it to the caller
   * @return false when another process makes it
   */
  boolean promise(String name, Duration within);

  /** Shares an answer, which ends the promise. While the store is full, nothing is shared. */
  void put(String name, byte[] answer, Duration kept);
}
