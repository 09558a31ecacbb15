/** Tests of the times of ticks. */
@NullMarked
package io.taskrunner.schedule;

import org.jspecify.annotations.NullMarked;
