package io.taskrunner.config;

import java.util.List;
import java.util.stream.Collectors;

/** The environment is invalid; contains every error found. */
public final class InvalidSettings extends RuntimeException {

  private static final long serialVersionUID = 1;

  private final transient List<Fault> faults;

  /**
   * One invalid variable.
   *
   * @param variable its name
   * @param shown its value as printed: quoted, or {@code ***} for a secret, or {@code not set}
   * @param expected the allowed values, or another reason
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

  /** All errors, in the order of the declarations; never empty. */
  public List<Fault> faults() {
    return faults;
  }
}
