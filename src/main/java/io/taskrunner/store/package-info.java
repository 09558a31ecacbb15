/**
 * What a store of tasks must do, one method per move: commands go in, sealed results come out.
 *
 * <p>An answer that says no is a case of a result; an outage is {@link
 * io.taskrunner.store.StoreUnavailable}. Knows nothing of Redis: that is {@code store.redis}.
 */
@NullMarked
package io.taskrunner.store;

import org.jspecify.annotations.NullMarked;
