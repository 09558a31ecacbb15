package io.taskrunner.store.redis.link;

import io.taskrunner.config.RedisSettings;
import io.taskrunner.store.NotPermitted;

/**
 * The permissions of this program's Redis user. The minimum is in docs/operating.md; missing ones
 * are reported at startup, in one sentence.
 */
public final class Permissions {

  private Permissions() {}

  /**
   * Checks that channels may be used, which Redis 7 forbids by default. Other missing permissions
   * are detected by the startup itself.
   */
  public static void check(Nodes nodes, Keys config) {
    String channel = Keys.text(config.key("permitted"));
    for (Node node : nodes.masters()) {
      node.subscriber().listen(channel, new Subscriber.Channel(_ -> {}, () -> {}));
      node.subscriber().forget(channel);
    }
  }

  /** The failure itself, or {@link NotPermitted} for a missing permission. */
  public static RuntimeException named(RuntimeException failure, RedisSettings redis) {
    return Answers.refusal(failure)
        .<RuntimeException>map(words ->
            new NotPermitted(
                "Redis at "
                    + redis.where()
                    + " lacks permissions for the user "
                    + redis.username().orElse("default")
                    + " that Task Runner requires ("
                    + words
                    + "): grant the keys ~"
                    + redis.keyPrefix()
                    + ":*, the channels &"
                    + redis.keyPrefix()
                    + ":* and the commands that docs/operating.md lists.",
                failure))
        .orElse(failure);
  }
}
