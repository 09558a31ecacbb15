/**
 * When the ticks of a schedule are: cron expressions and intervals, time zones, what was missed.
 *
 * <p>Pure rules on the JDK alone: no clock is read here, and nothing is stored.
 */
@NullMarked
package io.taskrunner.schedule;

import org.jspecify.annotations.NullMarked;
