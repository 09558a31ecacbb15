/**
 * The only wiring, by hand: reads the mode, builds the parts, starts and stops them in order.
 *
 * <p>No rule of tasks, queues or clients is in here. This package may use every other one.
 */
@NullMarked
package io.taskrunner.app;

import org.jspecify.annotations.NullMarked;
