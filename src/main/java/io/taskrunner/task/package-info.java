/**
 * The domain model and its pure rules: tasks, outcomes of attempts, and verdicts.
 *
 * <p>Depends only on the JDK. Independent of Redis, HTTP servers and threads.
 */
@NullMarked
package io.taskrunner.task;

import org.jspecify.annotations.NullMarked;
