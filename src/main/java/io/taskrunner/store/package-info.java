/**
 * The interface of a store of tasks, one method per operation: it takes commands and returns sealed
 * results.
 *
 * <p>A rejection is a case of a result; an outage is {@link io.taskrunner.store.StoreUnavailable}.
 * Independent of Redis: that is {@code store.redis}.
 */
@NullMarked
package io.taskrunner.store;

import org.jspecify.annotations.NullMarked;
