package io.taskrunner.store;

/**
 * A queue and what is in it.
 *
 * @param name its name
 * @param settings as set
 * @param paused whether it starts nothing
 * @param stats what is in it
 * @param revision of its settings: another with each change; 0 where nobody changed them since
 *     there are revisions
 */
public record Queue(
    String name, QueueSettings settings, boolean paused, Stats stats, long revision) {

  /** One whose settings nobody changed. */
  public Queue(String name, QueueSettings settings, boolean paused, Stats stats) {
    this(name, settings, paused, stats, 0);
  }

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
      long cancelled,
      double oldestReadyAgeSec) {}
}
