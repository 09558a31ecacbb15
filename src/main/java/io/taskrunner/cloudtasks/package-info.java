/**
 * Google Cloud Tasks v2: its gRPC and REST surfaces, over the operations of {@link
 * io.taskrunner.store.CloudStore}.
 *
 * <p>Each call of either surface becomes a message of Google's protocol, is answered by one method
 * of {@code Queues}, {@code Tasks}, {@code Policies} or {@code Locations}, and the resulting
 * message is written in the format of the surface. Google's terms stay in this package.
 */
@NullMarked
package io.taskrunner.cloudtasks;

import org.jspecify.annotations.NullMarked;
