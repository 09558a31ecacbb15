/**
 * The store on Redis: one Lua script per operation (in {@code resources/lua}), and the Java code
 * that calls them.
 *
 * <p>The stores use {@code link} (connections, keys, scripts) and {@code record} (codecs); {@code
 * doctor} checks the data. The only package that depends on Lettuce, keys and records. Independent
 * of HTTP and of workers.
 */
@NullMarked
package io.taskrunner.store.redis;

import org.jspecify.annotations.NullMarked;
