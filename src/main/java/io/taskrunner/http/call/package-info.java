/**
 * What a call is made of: who calls, what is asked, and how it is answered or refused. Knows no
 * route.
 */
@NullMarked
package io.taskrunner.http.call;

import org.jspecify.annotations.NullMarked;
