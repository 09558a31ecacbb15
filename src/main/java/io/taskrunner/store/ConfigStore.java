package io.taskrunner.store;

import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;

/** Changes of many things at once. All methods block, and raise {@link StoreUnavailable}. */
public interface ConfigStore {

  /** The revision of the latest change of all; 0 before the first. */
  long lastRevision();

  /**
   * Decides that all of these things are changed, as one change.
   *
   * @param last what {@link #lastRevision} must still be; empty for whatever it is
   * @return the revision of the change, to be carried out as {@link Expected.Decided}
   * @throws ChangedMeanwhile something was changed since
   */
  long decide(List<Thing> things, OptionalLong last) throws ChangedMeanwhile;

  /** A thing that has a name and settings. */
  record Thing(Kind kind, String name) {
    /** How the store names it. */
    public String field() {
      return kind.name().toLowerCase(Locale.ROOT) + ":" + name;
    }
  }

  /** The kinds of things. */
  enum Kind {
    QUEUE,
    TIER,
    CLIENT,
    HOST,
    SCHEDULE
  }
}
