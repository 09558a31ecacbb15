package io.taskrunner.faults;

import io.taskrunner.testkit.ProgramProcess;
import java.io.IOException;
import java.util.Map;

/** The program on one Redis, as an API and a worker, and a load on it that is not begun yet. */
final class Installation {

  final ProgramProcess api;
  final ProgramProcess worker;
  final Receiver receiver;
  final Ledger ledger;

  /**
   * Starts both, and awaits neither.
   *
   * @param redis the environment that names the Redis
   * @param more variables of both, each followed by its value
   */
  Installation(Scene scene, Map<String, String> redis, int perSecond, String... more)
      throws IOException {
    api = scene.program("api", redis, more);
    worker = scene.program("worker", redis, more);
    receiver = scene.receiver();
    ledger = scene.ledger(api, receiver, perSecond);
  }

  /** Waits until both are ready, and begins the load. */
  void begin() throws IOException, InterruptedException {
    api.awaitReady();
    worker.awaitReady();
    ledger.begin();
  }
}
