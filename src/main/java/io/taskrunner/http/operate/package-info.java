/** Health, metrics and the pages about this server. */
@NullMarked
package io.taskrunner.http.operate;

import org.jspecify.annotations.NullMarked;
