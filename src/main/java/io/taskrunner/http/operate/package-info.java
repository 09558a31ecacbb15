/** Health, metrics and the pages that say what runs here. */
@NullMarked
package io.taskrunner.http.operate;

import org.jspecify.annotations.NullMarked;
