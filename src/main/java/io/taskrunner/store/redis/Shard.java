package io.taskrunner.store.redis;

/**
 * A part of everything that lies in one slot of a cluster, and what works on it.
 *
 * @param number from 0
 * @param keys its keys
 * @param link the way to the node that holds them
 * @param moves its scripts
 * @param enqueuer what brings tasks into it
 * @param work what takes them out
 */
record Shard(int number, Keys keys, Link link, Moves moves, Enqueuer enqueuer, RedisWork work) {}
