package io.taskrunner.store;

import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;

/**
 * Configuration changes of many objects at once. All methods block, and raise {@link
 * StoreUnavailable}.
 */
public interface ConfigStore {

  /** The revision of the latest change of all; 0 before the first. */
  long lastRevision();

  /**
   * Commits to changing all of these objects, as one change.
   *
   * @param last the expected {@link #lastRevision}; empty for any
   * @return the revision of the change, to be carried out as {@link Expected.Decided}
   * @throws ChangedMeanwhile something was changed in the meantime
   */
  long decide(List<Thing> things, OptionalLong last) throws ChangedMeanwhile;

  /** An object that has a name and settings. */
  record Thing(Kind kind, String name) {
    /** Its name in the store. */
    public String field() {
      return kind.name().toLowerCase(Locale.ROOT) + ":" + name;
    }
  }

  /** The kinds of objects. */
  enum Kind {
    QUEUE,
    TIER,
    CLIENT,
    HOST,
    SCHEDULE
  }
}
