/** Google Cloud Tasks as Google's own clients, and callers of its REST, see it. */
@NullMarked
package io.taskrunner.cloudtasks;

import org.jspecify.annotations.NullMarked;
