/** Checks the files in {@code deploy/} against the program that they deploy and monitor. */
@NullMarked
package io.taskrunner.deploy;

import org.jspecify.annotations.NullMarked;
