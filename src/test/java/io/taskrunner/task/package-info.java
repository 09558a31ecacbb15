/** The pure rules, exhaustively. */
@NullMarked
package io.taskrunner.task;

import org.jspecify.annotations.NullMarked;
