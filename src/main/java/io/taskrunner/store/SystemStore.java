package io.taskrunner.store;

import java.time.Duration;
import java.util.List;

/** The state of the store itself. */
public interface SystemStore {

  /**
   * Checks that the store responds now.
   *
   * @throws StoreUnavailable it does not
   */
  Health health();

  /**
   * A description of the store.
   *
   * @param role of the server that responds, such as {@code master}
   * @param topology {@code standalone}, {@code sentinel} or {@code cluster}
   * @param latency of one round trip
   * @param warnings sentences on its configuration
   */
  record Health(String role, String topology, Duration latency, List<String> warnings) {}
}
