/**
 * The program as a client of the HTTP API, for people and for scripts.
 *
 * <p>It uses only the HTTP API, like any other client, and imports only {@code config}. It must
 * start fast: so only the command that is called is built, and only the classes that it needs are
 * loaded.
 */
@NullMarked
package io.taskrunner.cli;

import org.jspecify.annotations.NullMarked;
