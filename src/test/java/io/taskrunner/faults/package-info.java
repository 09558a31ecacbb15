/**
 * The fault suite: the real program in processes of its own, on a real Redis, under a steady load,
 * while a part of it is killed, frozen or isolated. Each scenario keeps a ledger of every call, and
 * ends with a line of the table in {@code target/faults.md}. Run by {@code mvn -Pfaults verify}.
 */
@NullMarked
package io.taskrunner.faults;

import org.jspecify.annotations.NullMarked;
