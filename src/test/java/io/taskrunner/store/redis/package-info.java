@NullMarked
package io.taskrunner.store.redis;

import org.jspecify.annotations.NullMarked;
