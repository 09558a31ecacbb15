/** The promises of the room, over real sockets. */
@NullMarked
package io.taskrunner.dispatch;

import org.jspecify.annotations.NullMarked;
