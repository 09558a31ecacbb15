package io.taskrunner.store.redis;

/** What a script answers that changes something. */
enum Done {
  DONE,
  /** There is no such thing. */
  MISSING,
  /** A later change reached it first. */
  OVERTAKEN
}
