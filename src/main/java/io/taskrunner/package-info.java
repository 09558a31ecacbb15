/**
 * Task Runner: a self-hosted HTTP task queue and scheduler on Redis.
 *
 * <p>This package holds the entry point alone. Every room beside it says in its own {@code
 * package-info.java} what it is for and what it must not know.
 */
@NullMarked
package io.taskrunner;

import org.jspecify.annotations.NullMarked;
