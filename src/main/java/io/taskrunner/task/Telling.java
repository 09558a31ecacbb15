package io.taskrunner.task;

/** How a task is connected with a callback: it has one, or it is one. */
public sealed interface Telling permits Callback, Telling.Of {

  /**
   * The task is a callback.
   *
   * @param task the one whose end it reports
   */
  record Of(TaskId task) implements Telling {}
}
