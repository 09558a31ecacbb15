package io.taskrunner.dispatch;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.concurrent.CompletionStage;

/** Looks names up. */
@FunctionalInterface
interface Names extends AutoCloseable {

  /**
   * All addresses of a name, in the order in which to try them. Never blocks.
   *
   * @param name as a url has it, perhaps with a dot at its end
   * @return completes exceptionally with {@link NoAnswer} when no name server replied, with another
   *     {@link UnknownHostException} when there are none
   */
  CompletionStage<List<InetAddress>> lookUp(String name);

  /** No name server replied; the message contains the name. */
  final class NoAnswer extends UnknownHostException {
    private static final long serialVersionUID = 1;

    NoAnswer(String name) {
      super("no name server answered for " + name);
    }
  }

  @Override
  default void close() {}
}
