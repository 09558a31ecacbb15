/**
 * The records that are stored in Redis: how each is written and read, and the arguments of the
 * scripts that create tasks.
 *
 * <p>Stores nothing itself. For the packages of {@code store.redis} only.
 */
@NullMarked
package io.taskrunner.store.redis.record;

import org.jspecify.annotations.NullMarked;
