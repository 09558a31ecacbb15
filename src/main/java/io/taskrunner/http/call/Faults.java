package io.taskrunner.http.call;

import java.util.ArrayList;
import java.util.List;

/**
 * Collects all faults of a call, so that a caller is told of them at once. Not for several threads.
 */
public final class Faults {

  /** So many faults are told; a call with more is told of the first ones. */
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

  /** Whether there is none. */
  public boolean isEmpty() {
    return faults.isEmpty();
  }

  /** What was found, in the order of finding. */
  public List<Fault> list() {
    return List.copyOf(faults);
  }

  /** Ends the call with a 400 when anything was found. */
  public void raise() {
    if (!faults.isEmpty()) {
      throw new Refusal(Problem.invalid(faults));
    }
  }
}
