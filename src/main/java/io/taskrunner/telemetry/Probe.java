package io.taskrunner.telemetry;

/** One thing that must be well for this process to be of use. Asked often: must answer at once. */
public interface Probe {

  /** The name of the probed part, such as {@code redis}. */
  String name();

  /** Whether it is well now. */
  boolean healthy();

  /** A sentence on its state, for callers that may see detail; may be empty. */
  String detail();
}
