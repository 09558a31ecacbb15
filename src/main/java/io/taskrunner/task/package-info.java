/**
 * The nouns of the queue and the pure rules over them: what a task is, what an attempt came to, and
 * what follows from it.
 *
 * <p>Needs the JDK alone. Knows nothing of Redis, HTTP servers or threads.
 */
@NullMarked
package io.taskrunner.task;

import org.jspecify.annotations.NullMarked;
