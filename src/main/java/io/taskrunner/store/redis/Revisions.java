package io.taskrunner.store.redis;

import io.taskrunner.store.ChangedMeanwhile;
import io.taskrunner.store.ConfigStore;
import io.taskrunner.store.Expected;
import io.taskrunner.store.redis.link.Args;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.link.Shard;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.function.Supplier;

/**
 * Decides which change of a named object is made, and in which order.
 *
 * <p>An object is stored in one shard or in all, and no script reaches them all. So each change is
 * first decided in the configuration, where it gets a revision higher than any before; then it is
 * carried out, and a shard with a higher revision ignores it. Reads return the revision. A change
 * that expects a revision is rejected when another was decided since.
 *
 * <p>A process may die between the two. Its decision is then not visible anywhere; once it is older
 * than any call lives, it no longer counts.
 */
final class Revisions implements ConfigStore {

  /** Maximum number of objects decided in one script. */
  private static final int CHUNK = 1000;

  private final Shard config;
  private final Duration patience;

  /**
   * Revisions in the configuration.
   *
   * @param patience how long a change may take to be carried out
   */
  Revisions(Shard config, Duration patience) {
    this.config = config;
    this.patience = patience;
  }

  /**
   * Decides that a change is made.
   *
   * @param field the object, such as {@code queue:low}
   * @param seen reads its revision; empty when it does not exist
   * @return the revision of the change
   * @throws ChangedMeanwhile it is not as expected
   */
  long decide(String field, Expected expected, Supplier<OptionalLong> seen)
      throws ChangedMeanwhile {
    return switch (expected) {
      case Expected.Any _ -> decide(field);
      case Expected.Decided(long revision) -> revision;
      case Expected.Absent _ -> {
        long began = config.moves().millis();
        if (seen.get().isPresent()) {
          throw new ChangedMeanwhile();
        }
        yield decide(field, 0L, began);
      }
      case Expected.At(long revision) -> {
        long began = config.moves().millis();
        OptionalLong now = seen.get();
        if (now.isEmpty() || now.getAsLong() != revision) {
          throw new ChangedMeanwhile();
        }
        yield decide(field, revision, began);
      }
    };
  }

  /** Decides that a change is made, whatever the state is. */
  long decide(String field) {
    return config.moves().run(Script.REVISE, word(), 0, null, null, field, null).number();
  }

  private long decide(String field, long seen, long began) throws ChangedMeanwhile {
    return revise(Args.of(word(), began - patience.toMillis(), null, null, field, seen));
  }

  /** A word that is unique to one call. */
  private static String word() {
    return UUID.randomUUID().toString().substring(0, 13);
  }

  private long revise(Args args) throws ChangedMeanwhile {
    long revision = config.moves().run(Script.REVISE, args).number();
    if (revision == 0) {
      throw new ChangedMeanwhile();
    }
    return revision;
  }

  /** How long a change may take to be carried out. */
  Duration patience() {
    return patience;
  }

  @Override
  public long lastRevision() {
    byte[] last = config.value("revisions:last");
    return last == null ? 0 : Long.parseLong(Keys.text(last));
  }

  @Override
  public long decide(List<Thing> things, OptionalLong last) throws ChangedMeanwhile {
    String word = word();
    Long whole = last.isPresent() ? last.getAsLong() : null;
    Long given = null;
    for (int from = 0; from < things.size(); from += CHUNK) {
      Args args = Args.of(word, 0, whole, given);
      for (Thing thing : things.subList(from, Math.min(from + CHUNK, things.size()))) {
        args.field(thing.field(), null);
      }
      given = revise(args);
      whole = null; // It was compared with the first; the others get the same revision.
    }
    return given == null ? 0 : given;
  }

  /** An object was deleted, or its change was not carried out: its revision is no longer kept. */
  void forget(String field, long revision) {
    config.moves().run(Script.END_CHANGE, field, revision, true);
  }
}
