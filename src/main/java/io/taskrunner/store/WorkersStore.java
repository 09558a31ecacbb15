package io.taskrunner.store;

import java.time.Instant;
import java.util.List;

/** The list of workers. All methods block, and raise {@link StoreUnavailable}. */
public interface WorkersStore {

  /** The heartbeat of a worker, which is removed after a minute without one. */
  void beat(Facts facts);

  /** Removes a worker that stops. */
  void gone(String id);

  /** The workers with a heartbeat in the last minute, by their ids. */
  List<Present> list();

  /**
   * A worker's description of itself.
   *
   * @param id 16 hexadecimal characters, new at each start
   * @param host where it runs
   * @param version of the program
   * @param slots maximum number of concurrent attempts
   * @param running attempts that it runs
   * @param stopping whether it takes no more tasks
   * @param started by its own clock
   */
  record Facts(
      String id,
      String host,
      String version,
      int slots,
      int running,
      boolean stopping,
      Instant started) {}

  /**
   * A live worker.
   *
   * @param beat its last heartbeat, by the store's clock
   * @param alive whether that is recent enough to consider it alive
   */
  record Present(Facts facts, Instant beat, boolean alive) {}
}
