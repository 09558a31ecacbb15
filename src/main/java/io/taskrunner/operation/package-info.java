/**
 * Carries out operations on many tasks, in chunks, at their pace. Each process that serves calls
 * runs it; an operation whose process dies is taken up by another.
 *
 * <p>Knows the moves of {@code store} alone.
 */
@NullMarked
package io.taskrunner.operation;

import org.jspecify.annotations.NullMarked;
