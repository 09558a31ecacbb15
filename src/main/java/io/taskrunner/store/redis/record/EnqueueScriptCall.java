package io.taskrunner.store.redis.record;

import io.taskrunner.store.redis.link.Args;
import io.taskrunner.task.Task.TaskSpec;
import io.taskrunner.task.TaskId;

/**
 * What {@link Enqueuer} brings to {@code enqueue.lua} for one caller, and how its answer reads.
 *
 * @param <R> what the caller is answered
 */
public interface EnqueueScriptCall<R> {

  /** The name of the queue. */
  String queue();

  TaskSpec spec();

  /** The record from {@link TaskCodec#TAIL} on. */
  byte[] tail();

  /**
   * Adds the arguments of the script but for the record.
   *
   * @param queue its number, or -1
   */
  void put(Args args, TaskId id, int queue);

  /** Reads the script's answer. */
  R read(TaskId id, byte[] reply, int replicas);

  /** No such queue. */
  R noQueue();

  /** The store is full. */
  R full();
}
