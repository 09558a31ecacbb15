package io.taskrunner.store.redis.link;

import io.taskrunner.config.RedisSettings;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/** The nodes that hold everything. */
public interface Nodes extends AutoCloseable {

  /** The way to the node that holds these keys. */
  Link link(Keys keys);

  /** Each node that holds keys, and is known now. */
  Collection<Node> masters();

  @Override
  void close();

  /**
   * Connects.
   *
   * @param lines how many groups of enqueues may wait for replicas at once, on each node
   * @param keys all that will be asked for
   * @throws io.taskrunner.store.StoreUnavailable Redis does not respond, or rejects the connection
   */
  static Nodes open(RedisSettings settings, int lines, Optional<Shared> shared, List<Keys> keys) {
    return settings.target() instanceof RedisSettings.Target.Cluster seeds
        ? Cluster.open(settings, seeds, lines, shared, keys)
        : new One(Node.open(settings, lines, shared), settings);
  }

  /** A lone node, or whichever the Sentinels name. */
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
