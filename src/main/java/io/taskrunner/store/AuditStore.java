package io.taskrunner.store;

import io.taskrunner.store.TaskStore.BadCursor;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The audit log of admin changes. All methods block, and raise {@link StoreUnavailable}. */
public interface AuditStore {

  /** Maximum number of entries kept; the oldest are dropped first. */
  int ENTRIES_MAX = 10_000;

  /** Longest time that an entry is kept. */
  Duration KEPT = Duration.ofDays(90);

  /** Adds an entry, with the store's time. */
  void add(Change change);

  /**
   * Entries, newest first.
   *
   * @param who the name of an admin's key, or a client's id with or without {@code /} and the id of
   *     its key; null for all
   * @param what the action of an entry, or a prefix of it; null for all
   */
  Page list(@Nullable String who, @Nullable String what, int limit, @Nullable String cursor)
      throws BadCursor;

  /**
   * A change that was made.
   *
   * @param who the name of an admin's key, or a client's id, {@code /} and the id of its key
   * @param what the action in a few words, such as {@code queue paused}
   * @param requestId of the call that made it
   * @param details by name; no secrets
   */
  record Change(String who, String what, String requestId, Map<String, String> details) {
    /** Keeps the details as they are, in their order. */
    public Change {
      details = new LinkedHashMap<>(details);
    }
  }

  /** A change and its time. */
  record Entry(Instant time, Change change) {}

  /** A page of entries. */
  record Page(List<Entry> entries, @Nullable String nextCursor) {}
}
