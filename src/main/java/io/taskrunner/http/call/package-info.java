/** The parts of a call: the caller, the request, and the response or rejection. Knows no route. */
@NullMarked
package io.taskrunner.http.call;

import org.jspecify.annotations.NullMarked;
