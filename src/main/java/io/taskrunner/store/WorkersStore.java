package io.taskrunner.store;

import java.time.Instant;
import java.util.List;

/** Which workers there are. All methods block, and raise {@link StoreUnavailable}. */
public interface WorkersStore {

  /** A worker says that it is there; it is forgotten when it has not for a minute. */
  void beat(Facts facts);

  /** A worker goes. */
  void gone(String id);

  /** Those that said so within the last minute, by their ids. */
  List<Present> list();

  /**
   * What a worker says of itself.
   *
   * @param id 16 hexadecimal characters, new at each start
   * @param host where it runs
   * @param version of the program
   * @param slots attempts that it may run at once
   * @param running attempts that it runs
   * @param stopping whether it takes no more
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
   * A worker that is there.
   *
   * @param beat when it last said so, by the store's clock
   * @param alive whether that is fresh enough to count on it
   */
  record Present(Facts facts, Instant beat, boolean alive) {}
}
