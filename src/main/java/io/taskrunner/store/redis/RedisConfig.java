package io.taskrunner.store.redis;

import io.taskrunner.store.ChangedMeanwhile;
import io.taskrunner.store.ConfigStore;
import java.util.List;
import java.util.OptionalLong;

/** Changes of many things at once. */
final class RedisConfig implements ConfigStore {

  private final Revisions revisions;

  RedisConfig(Revisions revisions) {
    this.revisions = revisions;
  }

  @Override
  public long lastRevision() {
    return revisions.last();
  }

  @Override
  public long decide(List<Thing> things, OptionalLong last) throws ChangedMeanwhile {
    return revisions.decide(things.stream().map(Thing::field).toList(), last);
  }
}
