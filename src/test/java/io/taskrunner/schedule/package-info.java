/** Tests of when ticks are. */
@NullMarked
package io.taskrunner.schedule;

import org.jspecify.annotations.NullMarked;
