package io.taskrunner.store.redis.link;

import java.util.Locale;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The scripts, one Lua file each. */
public enum Script {
  AUDIT,
  BEAT,
  BEGIN_OPERATION,
  BREAKERS,
  BULK,
  BURY_NAME,
  CANCEL,
  CHANGE_QUEUE,
  CHECK,
  CLAIM,
  CLOSE_BREAKER,
  CLOSE_OPERATION,
  CLOSE_QUEUE,
  COUNT,
  DELETE_CLIENT,
  DELETE_QUEUE,
  DELETE_SCHEDULE,
  DELETE_TIER,
  DROP_DEAD,
  DROP_TASK,
  DUE_SCHEDULES,
  END_CHANGE,
  END_OPERATION,
  END_SECRETS,
  ENQUEUE,
  FIND_TASK,
  FORGET_CLIENT,
  FORGET_QUEUE,
  GATES,
  GET,
  HOSTS,
  KEY_CLIENT,
  LATE_CHANGES,
  LEASE_OPERATIONS,
  LEAVE,
  LIST_TASKS,
  MAKE_QUEUE,
  NAME_CLOUD,
  NAME_QUEUE,
  NAME_SCHEDULE,
  NEXT_CHANGE,
  NOTE_CHANGE,
  PAUSE_ALL,
  PAUSE_QUEUE,
  PAUSE_SCHEDULE,
  PURGE_QUEUE,
  PUT_ADMIN_KEY,
  PUT_CLIENT,
  PUT_HOST,
  PUT_QUEUE,
  PUT_SCHEDULE,
  PUT_SECRET,
  PUT_SESSION,
  PUT_SHARD,
  PUT_TIER,
  QUEUE_STATS,
  RENEW,
  REPLAY_DEAD,
  REVISE,
  REVIVE,
  RUN_NOW,
  RUN_TASK,
  SCHEDULES,
  SEARCH,
  SERIES,
  SESSIONS,
  SETTLE,
  SIGN_CLIENT,
  TICK,
  TEND,
  TIDY,
  TOKEN_KEYS,
  TRIM_DONE,
  UNPARK,
  USE_SESSION,
  WORKERS;

  private volatile @Nullable Text text;

  /** What is sent to Redis, and the SHA-1 by which Redis knows it. */
  private record Text(byte[] bytes, byte[] digest) {}

  /** The name of its file. */
  public String lua() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** What Redis runs: its files, without comments. */
  public byte[] text() {
    return assembled().bytes();
  }

  /** The SHA-1 by which Redis knows the script. */
  public byte[] digest() {
    return assembled().digest();
  }

  /** Assembled when it is first used: a start uses few of them. */
  private Text assembled() {
    Text there = text;
    if (there == null) {
      byte[] bytes =
          Keys.bytes(
              Lua.lines(lua()).stream()
                  .map(line -> line.text().strip())
                  .collect(Collectors.joining("\n", "", "\n")));
      there = new Text(bytes, Keys.bytes(Lua.digest(bytes)));
      text = there;
    }
    return there;
  }
}
