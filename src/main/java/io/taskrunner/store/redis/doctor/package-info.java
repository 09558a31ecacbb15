/**
 * The doctor: checks the integrity of the data in Redis, and repairs the problems found.
 *
 * <p>Reads keys and records directly. Knows none of the stores, which hand it their own checks.
 */
@NullMarked
package io.taskrunner.store.redis.doctor;

import org.jspecify.annotations.NullMarked;
