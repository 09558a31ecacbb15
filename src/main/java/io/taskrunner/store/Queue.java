package io.taskrunner.store;

/**
 * A queue and its contents.
 *
 * @param name its name
 * @param settings as set
 * @param paused whether it is paused
 * @param stats what is in it
 * @param revision of its settings, which differs after each change; 0 when they were never changed
 *     since revisions exist
 */
public record Queue(
    String name, QueueSettings settings, boolean paused, Stats stats, long revision) {

  /**
   * The number of tasks in each state.
   *
   * @param oldestReadyAgeSec how long the longest-waiting ready task has been ready, in seconds; at
   *     most 5 s old
   */
  public record Stats(
      long scheduled,
      long ready,
      long active,
      long retry,
      long dead,
      long succeeded,
      long cancelled,
      double oldestReadyAgeSec) {}
}
