/**
 * The store on Redis: one Lua script a move (in {@code resources/lua}), and what Java needs to call
 * them.
 *
 * <p>The stores stand on {@code link} (connections, keys, scripts) and {@code record} (codecs);
 * {@code doctor} checks the data. Alone in knowing Lettuce, keys and records. Knows nothing of HTTP
 * or of workers.
 */
@NullMarked
package io.taskrunner.store.redis;

import org.jspecify.annotations.NullMarked;
