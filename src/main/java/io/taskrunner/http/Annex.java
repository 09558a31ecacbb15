package io.taskrunner.http;

import com.linecorp.armeria.server.ServerBuilder;
import io.taskrunner.http.call.Gate;

/** Another contract that is served on the same port. */
public interface Annex {

  /**
   * Adds its services to a server that is being built.
   *
   * @param gate that each of its calls passes
   * @param pathPrefix empty, or {@code /x} without a slash at its end
   */
  void join(ServerBuilder server, Gate gate, String pathPrefix);

  /** Aborts the calls that are still running; the server has stopped by then. */
  void close();
}
