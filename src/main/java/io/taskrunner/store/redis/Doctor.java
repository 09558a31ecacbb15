package io.taskrunner.store.redis;

/** x. */
public final class Doctor {
  Doctor(Link link, Moves moves, Keys shard, QueueNames names) {}
}
