/**
 * The program as a client of the HTTP API, for people and for scripts.
 *
 * <p>It knows the contract alone, as any other client does, and of our rooms {@code config} at
 * most. It must start in a moment: so only the group of commands that was named is made, and no
 * more classes are touched than it needs.
 */
@NullMarked
package io.taskrunner.cli;

import org.jspecify.annotations.NullMarked;
