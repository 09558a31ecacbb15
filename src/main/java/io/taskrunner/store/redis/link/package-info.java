/**
 * The way to Redis: connections and what watches over them, the nodes and shards, the names of
 * keys, and the scripts.
 *
 * <p>Knows nothing of what is stored. For the packages of {@code store.redis} alone.
 */
@NullMarked
package io.taskrunner.store.redis.link;

import org.jspecify.annotations.NullMarked;
