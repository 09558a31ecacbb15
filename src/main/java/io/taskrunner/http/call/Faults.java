package io.taskrunner.http.call;

import java.util.ArrayList;
import java.util.List;

/** Collects all errors of a call, to report them together. Not thread-safe. */
public final class Faults {

  /** The maximum number of errors reported; further ones are dropped. */
  private static final int MAX = 100;

  private final List<Fault> faults = new ArrayList<>(0);

  /** Adds one. */
  public void add(Fault fault) {
    if (faults.size() < MAX) {
      faults.add(fault);
    }
  }

  /** How many there are, up to the limit of one answer. */
  public int count() {
    return faults.size();
  }

  /** Whether there is no error. */
  public boolean isEmpty() {
    return faults.isEmpty();
  }

  /** The errors, in the order of finding. */
  public List<Fault> list() {
    return List.copyOf(faults);
  }

  /** Ends the call with a 400 if there is any error. */
  public void raise() {
    if (!faults.isEmpty()) {
      throw new Refusal(Problem.invalid(faults));
    }
  }
}
