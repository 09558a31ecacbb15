/**
 * Task Runner: a self-hosted HTTP task queue and scheduler on Redis.
 *
 * <p>This package contains only the entry point. Every package in it states in its own {@code
 * package-info.java} what it is for and what it must not know.
 */
@NullMarked
package io.taskrunner;

import org.jspecify.annotations.NullMarked;
