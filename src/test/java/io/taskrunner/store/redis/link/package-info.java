@NullMarked
package io.taskrunner.store.redis.link;

import org.jspecify.annotations.NullMarked;
