/**
 * The dashboard: its page and modules, and the sessions of its users. The page itself is a client
 * of the public API; nothing here reads or changes tasks.
 */
@NullMarked
package io.taskrunner.http.dashboard;

import org.jspecify.annotations.NullMarked;
