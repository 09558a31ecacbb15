/**
 * Carries out operations on many tasks, in chunks, at their pace. Each API process runs it; if a
 * process dies, another takes over its operations.
 *
 * <p>Depends only on {@code store}.
 */
@NullMarked
package io.taskrunner.operation;

import org.jspecify.annotations.NullMarked;
