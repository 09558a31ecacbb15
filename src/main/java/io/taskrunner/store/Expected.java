package io.taskrunner.store;

/**
 * What a change of a named thing (a queue, a client, a tier) expects to find. It is compared where
 * changes are decided, so of two changes that expect the same one is made.
 */
public sealed interface Expected {

  /** Nothing in particular. */
  Expected ANY = new Any();

  /** That there is none. */
  Expected ABSENT = new Absent();

  /** Nothing in particular: the last one wins. */
  record Any() implements Expected {}

  /** That there is none. */
  record Absent() implements Expected {}

  /**
   * That it is as it was read.
   *
   * @param revision of what was read; 0 where nobody changed it since there are revisions
   */
  record At(long revision) implements Expected {}

  /**
   * That it was decided already, as a part of {@link ConfigStore#decide}.
   *
   * @param revision of the whole change
   */
  record Decided(long revision) implements Expected {}
}
