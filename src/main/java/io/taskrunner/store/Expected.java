package io.taskrunner.store;

/**
 * The state that a change of a named object (a queue, a client, a tier) expects. It is compared
 * where changes are decided, so of two changes that expect the same state only one is made.
 */
public sealed interface Expected {

  /** Anything. */
  Expected ANY = new Any();

  /** That it does not exist. */
  Expected ABSENT = new Absent();

  /** Anything: the last change wins. */
  record Any() implements Expected {}

  /** That it does not exist. */
  record Absent() implements Expected {}

  /**
   * That it is unchanged since it was read.
   *
   * @param revision that was read; 0 when it was never changed since revisions exist
   */
  record At(long revision) implements Expected {}

  /**
   * That it was already decided as a part of {@link ConfigStore#decide}.
   *
   * @param revision of the entire change
   */
  record Decided(long revision) implements Expected {}
}
