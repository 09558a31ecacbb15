/** Tasks and queues: the calls under {@code /v1}. */
@NullMarked
package io.taskrunner.http.v1;

import org.jspecify.annotations.NullMarked;
