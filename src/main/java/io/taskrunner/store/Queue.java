package io.taskrunner.store;

import io.taskrunner.task.TaskState;

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
      double oldestReadyAgeSec) {

    /** The number of tasks in a state. */
    public long of(TaskState state) {
      return switch (state) {
        case SCHEDULED -> scheduled;
        case READY -> ready;
        case ACTIVE -> active;
        case RETRY -> retry;
        case DEAD -> dead;
        case SUCCEEDED -> succeeded;
        case CANCELLED -> cancelled;
      };
    }
  }
}
