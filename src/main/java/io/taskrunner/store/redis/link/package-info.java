/**
 * Access to Redis: connections and their monitoring, the nodes and shards, the names of keys, and
 * the scripts.
 *
 * <p>Independent of the stored data. For the packages of {@code store.redis} only.
 */
@NullMarked
package io.taskrunner.store.redis.link;

import org.jspecify.annotations.NullMarked;
