package io.taskrunner.task;

import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * The callback that reports a task's end, sent by a separate task.
 *
 * @param url the destination
 * @param headers of that request
 * @param on the ends to report; never empty
 */
public record Callback(TargetUrl url, List<TargetRequest.Header> headers, Set<End> on)
    implements Telling {

  /** How a task can end. */
  public enum End {
    /** With a 2xx. */
    SUCCEEDED(1),
    /** Permanently, without a 2xx. */
    DEAD(2),
    /** Cancelled. */
    CANCELLED(4);

    private final int bit;

    End(int bit) {
      this.bit = bit;
    }

    /** Its code in a stored record. */
    public int bit() {
      return bit;
    }

    /** Its name in the API. */
    public String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** The default ends to report. */
  public static final Set<End> USUAL = Set.of(End.SUCCEEDED, End.DEAD);

  /** Keeps the parts from being changed. */
  public Callback {
    headers = List.copyOf(headers);
    on = Set.copyOf(on);
    if (on.isEmpty()) {
      throw new IllegalArgumentException(
          "callback: on is empty (expected: at least one final state)");
    }
  }

  /** The ends to report, in their order. */
  public Set<End> ends() {
    return EnumSet.copyOf(on);
  }

  /** The bits of the ends to report. */
  public int bits() {
    return on.stream().mapToInt(End::bit).sum();
  }
}
