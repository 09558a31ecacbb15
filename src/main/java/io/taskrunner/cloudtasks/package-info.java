/**
 * Google Cloud Tasks v2: its gRPC and REST surfaces, over the moves of {@link
 * io.taskrunner.store.CloudStore}.
 *
 * <p>Each call of either surface becomes a message of Google's protocol, is answered by one method
 * of {@code Queues}, {@code Tasks}, {@code Policies} or {@code Locations}, and the message that
 * comes of it is written as the surface wants it. Google's words stay in this room.
 */
@NullMarked
package io.taskrunner.cloudtasks;

import org.jspecify.annotations.NullMarked;
