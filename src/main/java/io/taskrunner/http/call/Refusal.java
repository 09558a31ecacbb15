package io.taskrunner.http.call;

import java.io.Serial;

/** Ends a call with a problem. Carries no stack: it is an answer, not a bug. */
public final class Refusal extends RuntimeException {

  @Serial private static final long serialVersionUID = 1L;

  private final transient Problem problem;

  /** Ends the call with this. */
  public Refusal(Problem problem) {
    super(problem.code(), null, false, false);
    this.problem = problem;
  }

  /** The response to the caller. */
  public Problem problem() {
    return problem;
  }
}
