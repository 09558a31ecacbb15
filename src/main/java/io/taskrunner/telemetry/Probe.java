package io.taskrunner.telemetry;

/** A health check of one part of this process. Called often: must return at once. */
public interface Probe {

  /** The name of the probed part, such as {@code redis}. */
  String name();

  /** Whether it is healthy now. */
  boolean healthy();

  /** A sentence on its state, for callers that may see detail; may be empty. */
  String detail();
}
