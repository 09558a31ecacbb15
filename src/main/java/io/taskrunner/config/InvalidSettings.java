package io.taskrunner.config;

import java.util.List;
import java.util.stream.Collectors;

/** The environment does not say what it must; carries every fault that was found. */
public final class InvalidSettings extends RuntimeException {

  private static final long serialVersionUID = 1;

  private final transient List<Fault> faults;

  /**
   * One variable that cannot be used.
   *
   * @param variable its name
   * @param shown its value as it may be printed: quoted, or {@code ***} for a secret, or {@code not
   *     set}
   * @param expected what would be allowed, or what else is wrong
   */
  public record Fault(String variable, String shown, String expected) {
    @Override
    public String toString() {
      return variable + ": " + shown + " (" + expected + ")";
    }
  }

  InvalidSettings(List<Fault> faults) {
    super(faults.stream().map(Fault::toString).collect(Collectors.joining("\n")));
    this.faults = List.copyOf(faults);
  }

  /** Every fault, in the order in which the variables are declared; never empty. */
  public List<Fault> faults() {
    return faults;
  }
}
