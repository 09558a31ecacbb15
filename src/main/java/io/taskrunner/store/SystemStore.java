package io.taskrunner.store;

import java.time.Duration;
import java.util.List;

/** The state of the store itself. */
public interface SystemStore {

  /**
   * Whether the store answers now.
   *
   * @throws StoreUnavailable it does not
   */
  Health health();

  /**
   * What is known of the store.
   *
   * @param role of the server that answers, such as {@code master}
   * @param topology {@code standalone}, {@code sentinel} or {@code cluster}
   * @param latency of one round trip
   * @param warnings sentences on how it is set up
   */
  record Health(String role, String topology, Duration latency, List<String> warnings) {}
}
