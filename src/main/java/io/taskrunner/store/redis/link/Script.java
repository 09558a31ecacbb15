package io.taskrunner.store.redis.link;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Set;

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
  SETTLE,
  SIGN_CLIENT,
  TICK,
  TEND,
  TIDY,
  TOKEN_KEYS,
  TRIM_DONE,
  UNPARK,
  WORKERS;

  private static final String INCLUDE = "--@include ";

  private final byte[] text;
  private final byte[] digest;

  Script() {
    this.text = assemble(lua()).getBytes(StandardCharsets.UTF_8);
    try {
      this.digest =
          Keys.bytes(HexFormat.of().formatHex(MessageDigest.getInstance("SHA-1").digest(text)));
    } catch (NoSuchAlgorithmException everyJdkHasIt) {
      throw new IllegalStateException(everyJdkHasIt);
    }
  }

  /** The name of its file. */
  public String lua() {
    return name().toLowerCase(Locale.ROOT);
  }

  byte[] text() {
    return text;
  }

  /** The SHA-1 by which Redis knows the script. */
  public byte[] digest() {
    return digest;
  }

  /** The script with what it includes in place; comments and blank lines are left out. */
  private static String assemble(String name) {
    StringBuilder text = new StringBuilder();
    append(name, text, new HashSet<>());
    return text.toString();
  }

  private static void append(String name, StringBuilder text, Set<String> included) {
    if (!included.add(name)) {
      return;
    }
    for (String line : read(name).lines().toList()) {
      if (line.strip().startsWith(INCLUDE)) {
        append(line.strip().substring(INCLUDE.length()).strip(), text, included);
      } else if (!line.isBlank() && !line.stripLeading().startsWith("--")) {
        text.append(line.strip()).append('\n');
      }
    }
  }

  private static String read(String name) {
    try (InputStream in = Script.class.getResourceAsStream("/lua/" + name + ".lua")) {
      if (in == null) {
        throw new IllegalStateException("no script /lua/" + name + ".lua");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }
}
