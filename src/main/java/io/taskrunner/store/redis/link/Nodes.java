package io.taskrunner.store.redis.link;

import io.taskrunner.config.RedisSettings;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/** The nodes that hold the data. */
public interface Nodes extends AutoCloseable {

  /** The link to the node that holds these keys. */
  Link link(Keys keys);

  /** Each known node that holds keys. */
  Collection<Node> masters();

  @Override
  void close();

  /**
   * Connects.
   *
   * @param lines how many groups of enqueues may wait for replicas at once, on each node
   * @param keys all keys that will be used
   * @throws io.taskrunner.store.StoreUnavailable Redis does not respond, or rejects the connection
   */
  static Nodes open(RedisSettings settings, int lines, Optional<Shared> shared, List<Keys> keys) {
    return settings.target() instanceof RedisSettings.Target.Cluster seeds
        ? Cluster.open(settings, seeds, lines, shared, keys)
        : new One(Node.open(settings, lines, shared), settings);
  }

  /** A standalone node, or the master reported by the Sentinels. */
  record One(Node node, RedisSettings settings) implements Nodes {
    @Override
    public Link link(Keys keys) {
      return new Link(this::node, () -> {}, settings.commandTimeout());
    }

    @Override
    public Collection<Node> masters() {
      return List.of(node);
    }

    @Override
    public void close() {
      node.close();
    }
  }
}
