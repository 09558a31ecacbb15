package io.taskrunner.store.redis.record;

import io.taskrunner.store.redis.link.Args;
import io.taskrunner.task.Task.TaskSpec;
import io.taskrunner.task.TaskId;

/**
 * One caller's arguments from {@link Enqueuer} to {@code enqueue.lua}, and how to read the reply.
 *
 * @param <R> the result for the caller
 */
public interface EnqueueScriptCall<R> {

  /** The name of the queue. */
  String queue();

  TaskSpec spec();

  /** The record from {@link TaskCodec#TAIL} on. */
  byte[] tail();

  /**
   * Adds the arguments of the script except the record.
   *
   * @param queue its number, or -1
   */
  void put(Args args, TaskId id, int queue);

  /** Reads the script's reply. */
  R read(TaskId id, byte[] reply, int replicas);

  /** No such queue. */
  R noQueue();

  /** The store is full. */
  R full();
}
