package io.taskrunner.store.redis;

import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.StreamMessage;
import io.taskrunner.store.AuditStore;
import io.taskrunner.store.TaskStore.BadCursor;
import io.taskrunner.store.redis.link.Args;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.link.Shard;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The audit log of admin changes: the stream {@code audit}, in the configuration's slot. Ids are
 * times; the fields of an entry are {@code entry} (a unique word that identifies a repetition),
 * {@code who}, {@code what}, {@code request}, and each detail prefixed with {@code d:}.
 */
final class RedisAudits implements AuditStore {

  private static final String DETAIL = "d:";

  /** The lowest id of an entry; Redis accepts no lower bound. */
  private static final Pattern ID = Pattern.compile("[1-9][0-9]{0,14}-[0-9]{1,15}");

  /** Number of entries examined at a time. */
  private static final int CHUNK = 500;

  /** Maximum number of characters kept of a detail. */
  private static final int DETAIL_MAX = 1024;

  private final Shard config;

  RedisAudits(Shard config) {
    this.config = config;
  }

  @Override
  public void add(Change change) {
    Args args = Args.of(UUID.randomUUID().toString(), ENTRIES_MAX, KEPT.toMillis());
    put(args, "who", change.who());
    put(args, "what", change.what());
    put(args, "request", change.requestId());
    change.details().forEach((name, value) -> put(args, DETAIL + name, value));
    config.moves().run(Script.AUDIT, args);
  }

  private static void put(Args args, String name, String value) {
    args.field(name, value.length() > DETAIL_MAX ? value.substring(0, DETAIL_MAX) : value);
  }

  @Override
  public Page list(@Nullable String who, @Nullable String what, int limit, @Nullable String cursor)
      throws BadCursor {
    if (cursor != null && !ID.matcher(cursor).matches()) {
      throw new BadCursor();
    }
    Range.Boundary<String> oldest =
        Range.Boundary.including(Long.toString(config.moves().millis() - KEPT.toMillis()));
    Range.Boundary<String> newest =
        cursor == null ? Range.Boundary.unbounded() : Range.Boundary.excluding(cursor);
    List<Entry> found = new ArrayList<>();
    String last = "";
    while (true) {
      Range<String> range = Range.from(oldest, newest);
      List<StreamMessage<byte[], byte[]>> chunk =
          config
              .link()
              .patiently(
                  redis -> redis.xrevrange(config.key("audit"), range, Limit.create(0, CHUNK)));
      for (StreamMessage<byte[], byte[]> message : chunk) {
        Entry entry = entry(message);
        if (isOf(who, entry.change().who(), '/') && isOf(what, entry.change().what(), ' ')) {
          if (found.size() == limit) {
            return new Page(found, last);
          }
          found.add(entry);
          last = message.getId();
        }
      }
      if (chunk.size() < CHUNK) {
        return new Page(found, null);
      }
      newest = Range.Boundary.excluding(chunk.getLast().getId());
    }
  }

  private static boolean isOf(@Nullable String wanted, String is, char separator) {
    return wanted == null || is.equals(wanted) || is.startsWith(wanted + separator);
  }

  private static Entry entry(StreamMessage<byte[], byte[]> message) {
    Map<String, String> fields = new LinkedHashMap<>();
    Map<String, String> details = new LinkedHashMap<>();
    message
        .getBody()
        .forEach((rawName, value) -> {
          String name = Keys.text(rawName);
          if (name.startsWith(DETAIL)) {
            details.put(name.substring(DETAIL.length()), Keys.text(value));
          } else {
            fields.put(name, Keys.text(value));
          }
        });
    String id = message.getId();
    return new Entry(
        Instant.ofEpochMilli(Long.parseLong(id.substring(0, id.indexOf('-')))),
        new Change(
            fields.getOrDefault("who", ""),
            fields.getOrDefault("what", ""),
            fields.getOrDefault("request", ""),
            details));
  }
}
