package io.taskrunner.http;

import com.linecorp.armeria.server.ServerBuilder;
import io.taskrunner.http.call.Gate;

/** Another contract that is served on the same port. */
public interface Annex {

  /**
   * Puts its services into a server that is being built.
   *
   * @param gate what each of its calls passes
   * @param pathPrefix empty, or {@code /x} without a slash at its end
   */
  void join(ServerBuilder server, Gate gate, String pathPrefix);

  /** Ends what still runs; the server has stopped by then. */
  void close();
}
