/**
 * Who enqueues: clients, their tiers and limits, their keys.
 *
 * <p>Needs the JDK and the room {@code task} alone.
 */
@NullMarked
package io.taskrunner.client;

import org.jspecify.annotations.NullMarked;
