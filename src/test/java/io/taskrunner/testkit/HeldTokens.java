package io.taskrunner.testkit;

import io.taskrunner.store.TokenStore;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A plain store of keys, equivalent to the scripts. */
public final class HeldTokens implements TokenStore {

  private final InstantSource clock;
  private final List<Key> keys = new ArrayList<>();
  private String opaque = "";

  /** Uses this clock. */
  public HeldTokens(InstantSource clock) {
    this.clock = clock;
  }

  @Override
  public synchronized Held held(
      @Nullable Offer offered, long renewAfterMillis, long dropAfterMillis) {
    Instant now = clock.instant();
    if (!keys.isEmpty()) {
      Key youngest = keys.getFirst();
      keys.removeIf(
          key -> key != youngest && key.made().isBefore(now.minusMillis(dropAfterMillis)));
    }
    if (offered != null) {
      boolean needed =
          keys.isEmpty() || !keys.getFirst().made().plusMillis(renewAfterMillis).isAfter(now);
      if (needed && offered.key().length > 0) {
        keys.addFirst(new Key(now, offered.key()));
      }
      if (opaque.isEmpty()) {
        opaque = offered.opaque();
      }
    }
    return new Held(now, List.copyOf(keys), opaque);
  }
}
