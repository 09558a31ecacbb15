package io.taskrunner.dispatch;

import java.net.InetAddress;
import java.util.List;
import java.util.concurrent.CompletionStage;

/** Looks names up. */
@FunctionalInterface
interface Names extends AutoCloseable {

  /**
   * All addresses of a name, those to try first first. Never blocks.
   *
   * @param name as a url has it, perhaps with a dot at its end
   * @return completes exceptionally with {@link java.net.UnknownHostException} when there are none
   */
  CompletionStage<List<InetAddress>> lookUp(String name);

  @Override
  default void close() {}
}
