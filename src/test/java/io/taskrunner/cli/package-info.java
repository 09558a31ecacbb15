/** The command line against the program. */
@NullMarked
package io.taskrunner.cli;

import org.jspecify.annotations.NullMarked;
