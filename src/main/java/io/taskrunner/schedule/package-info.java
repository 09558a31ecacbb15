/**
 * The ticks of schedules: cron expressions and intervals, time zones, missed ticks.
 *
 * <p>Pure rules that depend only on the JDK: no clock is read, and nothing is stored.
 */
@NullMarked
package io.taskrunner.schedule;

import org.jspecify.annotations.NullMarked;
