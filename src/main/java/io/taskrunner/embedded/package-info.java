/**
 * The Redis that {@code dev} brings along: its directory, its program, its process.
 *
 * <p>Nothing of tasks, queues or clients lives here, and nothing of what is kept in that Redis.
 */
@NullMarked
package io.taskrunner.embedded;

import org.jspecify.annotations.NullMarked;
