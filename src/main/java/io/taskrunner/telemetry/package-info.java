/**
 * The telemetry of the program: the names of meters, and health probes.
 *
 * <p>Knows no other package.
 */
@NullMarked
package io.taskrunner.telemetry;

import org.jspecify.annotations.NullMarked;
