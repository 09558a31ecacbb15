@NullMarked
package io.taskrunner.store.redis.record;

import org.jspecify.annotations.NullMarked;
