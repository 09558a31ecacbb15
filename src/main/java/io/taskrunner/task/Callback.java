package io.taskrunner.task;

import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * Whom a task's end is told to: by a task of its own.
 *
 * @param url where to
 * @param headers of that request
 * @param on the ends that are told; never empty
 */
public record Callback(TargetUrl url, List<TargetRequest.Header> headers, Set<End> on) {

  /** How a task can end. */
  public enum End {
    /** By a 2xx. */
    SUCCEEDED(1),
    /** For good, without one. */
    DEAD(2),
    /** Called off. */
    CANCELLED(4);

    private final int bit;

    End(int bit) {
      this.bit = bit;
    }

    /** Stands for it in a stored record. */
    public int bit() {
      return bit;
    }

    /** The word of the API. */
    public String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** What is told where nothing is said. */
  public static final Set<End> USUAL = Set.of(End.SUCCEEDED, End.DEAD);

  /** Keeps the parts from being changed. */
  public Callback {
    headers = List.copyOf(headers);
    on = Set.copyOf(on);
    if (on.isEmpty()) {
      throw new IllegalArgumentException("callback: on nothing (expected: at least one end)");
    }
  }

  /** The ends that are told, in their order. */
  public Set<End> ends() {
    return EnumSet.copyOf(on);
  }

  /** The bits of the ends that are told. */
  public int bits() {
    return on.stream().mapToInt(End::bit).sum();
  }
}
