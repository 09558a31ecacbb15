package io.taskrunner.telemetry;

/** One thing that must be well for this process to be of use. Asked often: must answer at once. */
public interface Probe {

  /** What is probed, in a word, such as {@code redis}. */
  String name();

  /** Whether it is well now. */
  boolean healthy();

  /** A sentence on how it is, for those who may see detail; may be empty. */
  String detail();
}
