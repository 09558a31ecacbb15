/** The real parts that tests run against: Redis processes and HTTP targets. */
@NullMarked
package io.taskrunner.testkit;

import org.jspecify.annotations.NullMarked;
