/**
 * The embedded Redis of {@code dev}: its directory, its program, its process.
 *
 * <p>Nothing here knows tasks, queues or clients, or the data in that Redis.
 */
@NullMarked
package io.taskrunner.embedded;

import org.jspecify.annotations.NullMarked;
