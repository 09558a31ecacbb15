/**
 * The only wiring, by hand: reads the mode, builds the rooms, starts and stops them in order.
 *
 * <p>No rule of tasks, queues or clients lives here. This room may know every other one.
 */
@NullMarked
package io.taskrunner.app;

import org.jspecify.annotations.NullMarked;
