package io.taskrunner.store;

/**
 * A queue and what is in it.
 *
 * @param name its name
 * @param settings as set
 * @param paused whether it starts nothing
 * @param stats what is in it
 */
public record Queue(String name, QueueSettings settings, boolean paused, Stats stats) {

  /**
   * How many tasks stand in each state.
   *
   * @param oldestReadyAgeSec for how long the task that waits longest could have started, in
   *     seconds; at most 5 s old
   */
  public record Stats(
      long scheduled,
      long ready,
      long active,
      long retry,
      long dead,
      long succeeded,
      double oldestReadyAgeSec) {}
}
