package io.taskrunner.store;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * Sessions of the dashboard: the key that a cookie represents. A session is identified by the
 * SHA-256 of its cookie, in hexadecimal. All methods block, and raise {@link StoreUnavailable}.
 */
public interface SessionStore {

  /** Maximum number of sessions; a further one ends the oldest. */
  int MAX = 1000;

  /** Maximum number of sessions of one key; a further one ends the oldest of the key. */
  int OF_A_KEY_MAX = 50;

  /** A session without a call for this long ends. */
  Duration IDLE_MAX = Duration.ofHours(12);

  /** Maximum age of a session. */
  Duration LIFE_MAX = Duration.ofDays(7);

  /** The number of characters of a digest that name a session. */
  int ID_LENGTH = 16;

  /** The kind of a key. */
  enum Kind {
    /** {@code ADMIN_API_KEY}. */
    ROOT,
    /** A named admin key. */
    ADMIN,
    /** A key of a client. */
    CLIENT
  }

  /**
   * The key that a session represents.
   *
   * @param key the digest of a named key; a proof of {@code ADMIN_API_KEY}, which is different in
   *     each session
   */
  record Holder(Kind kind, String key) {}

  /**
   * An open session.
   *
   * @param id the first {@link #ID_LENGTH} characters of its digest
   * @param created when it began
   * @param used when a process last read it
   */
  record Session(String id, Holder holder, Instant created, Instant used) {}

  /** Begins a session. */
  void begin(String digest, Holder holder);

  /** The key of a session, possibly from a cached copy that is at most a second old. */
  Optional<Holder> find(String digest);

  /**
   * Like {@link #find}, but reads only the cached copy: never blocks.
   *
   * @return empty when there is no copy; the session may exist all the same
   */
  Optional<Holder> known(String digest);

  /** Ends a session, if it exists. */
  void end(String digest);

  /** All sessions, the oldest first. */
  List<Session> list();

  /** Ends the session with this id; false when there is none. */
  boolean endById(String id);
}
