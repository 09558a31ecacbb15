/** Holds what is in {@code deploy/} to the program that it deploys and watches. */
@NullMarked
package io.taskrunner.deploy;

import org.jspecify.annotations.NullMarked;
