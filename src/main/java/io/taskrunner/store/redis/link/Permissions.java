package io.taskrunner.store.redis.link;

import io.taskrunner.config.RedisSettings;
import io.taskrunner.store.NotPermitted;

/**
 * What Redis permits to the user that this program is to it. The least that it needs is in
 * docs/operating.md; what of it is missing is told at the start, in one sentence.
 */
public final class Permissions {

  private Permissions() {}

  /**
   * Asks whether channels may be used, which Redis 7 forbids to a user unless told otherwise. All
   * else shows in what a start does anyway.
   */
  public static void check(Nodes nodes, Keys config) {
    String channel = Keys.text(config.key("permitted"));
    for (Node node : nodes.masters()) {
      node.subscriber().listen(channel, new Subscriber.Channel(_ -> {}, () -> {}));
      node.subscriber().forget(channel);
    }
  }

  /** A failure as it is, or as what Redis does not permit. */
  public static RuntimeException named(RuntimeException failure, RedisSettings redis) {
    return Answers.refusal(failure)
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
}
