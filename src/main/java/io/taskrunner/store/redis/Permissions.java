package io.taskrunner.store.redis;

import io.lettuce.core.RedisCommandExecutionException;
import io.taskrunner.config.RedisSettings;
import io.taskrunner.store.NotPermitted;
import java.util.Optional;

/**
 * What Redis permits to the user that this program is to it. The least that it needs is in
 * docs/operating.md; what of it is missing is told at the start, in one sentence.
 */
final class Permissions {

  private Permissions() {}

  /**
   * Asks whether channels may be used, which Redis 7 forbids to a user unless told otherwise. All
   * else shows in what a start does anyway.
   */
  static void check(Nodes nodes, Keys config) {
    String channel = Keys.text(config.key("permitted"));
    for (Node node : nodes.masters()) {
      node.ear().listen(channel, new Ear.Channel(_ -> {}, () -> {}));
      node.ear().forget(channel);
    }
  }

  /** A failure as it is, or as what Redis does not permit. */
  static RuntimeException named(RuntimeException failure, RedisSettings redis) {
    return refusal(failure)
        .<RuntimeException>map(words ->
            new NotPermitted(
                "Redis at "
                    + redis.where()
                    + " does not permit to the user "
                    + redis.username().orElse("default")
                    + " what Task Runner needs ("
                    + words
                    + "): it needs the keys ~"
                    + redis.keyPrefix()
                    + ":*, the channels &"
                    + redis.keyPrefix()
                    + ":* and the commands that docs/operating.md lists.",
                failure))
        .orElse(failure);
  }

  /** Redis' words for what it does not permit; empty when a failure is another. */
  static Optional<String> refusal(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof RedisCommandExecutionException) {
        String words = String.valueOf(cause.getMessage());
        if (words.contains("NOPERM") || words.contains("The user executing the script")) {
          return Optional.of(words.lines().findFirst().orElse(words));
        }
      }
    }
    return Optional.empty();
  }
}
