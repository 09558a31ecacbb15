/**
 * The store on Redis: one Lua script a move (in {@code resources/lua}), and what Java needs to call
 * them.
 *
 * <p>Alone in knowing Lettuce, keys and records. Knows nothing of HTTP or of workers.
 */
@NullMarked
package io.taskrunner.store.redis;

import org.jspecify.annotations.NullMarked;
