package io.taskrunner.store.redis.link;

/**
 * A part of everything that lies in one slot of a cluster, and the way to it.
 *
 * @param number from 0
 * @param keys its keys
 * @param link the way to the node that holds them
 * @param moves its scripts
 */
public record Shard(int number, Keys keys, Link link, Moves moves) {}
