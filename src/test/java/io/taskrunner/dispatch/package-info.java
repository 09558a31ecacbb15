/** The guarantees of the package, over real sockets. */
@NullMarked
package io.taskrunner.dispatch;

import org.jspecify.annotations.NullMarked;
