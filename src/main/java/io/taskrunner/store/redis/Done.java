package io.taskrunner.store.redis;

/** The reply of a script that makes a change. */
enum Done {
  DONE,
  /** No such object. */
  MISSING,
  /** A later change was applied first. */
  OVERTAKEN
}
