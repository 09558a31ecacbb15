/**
 * What the program tells of itself: the names of meters, and probes of health.
 *
 * <p>Knows no other room.
 */
@NullMarked
package io.taskrunner.telemetry;

import org.jspecify.annotations.NullMarked;
