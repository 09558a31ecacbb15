package io.taskrunner.store.redis;

import io.taskrunner.store.TaskStore.BadCursor;
import io.taskrunner.store.TaskStore.Filter;
import io.taskrunner.store.redis.link.Args;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.QueueNames;
import io.taskrunner.store.redis.link.Shard;
import io.taskrunner.store.redis.link.Shards;
import io.taskrunner.store.redis.record.Packed;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A search through the shards that may hold matches of a filter, one script after the other, which
 * a cursor continues in another call.
 */
final class TaskTour {

  private final String fingerprint;
  private final Shards homes;
  private final boolean byLabel;
  private final TaskWalk walk;
  private int at;
  private TaskWalk.Place place = TaskWalk.Place.START;
  private Position next;

  /**
   * A position in a list.
   *
   * @param text the position in the walk of the shard
   */
  private record Position(int shard, byte[] text) {
    String cursor(String filter) {
      Packed plain = new Packed(64);
      plain.write(Keys.bytes(filter + "\n" + shard + "\n"));
      plain.write(text);
      return Base64.getUrlEncoder().withoutPadding().encodeToString(plain.toByteArray());
    }

    static Position read(String cursor, String filter) throws BadCursor {
      try {
        String[] parts =
            new String(Base64.getUrlDecoder().decode(cursor), StandardCharsets.ISO_8859_1)
                .split("\n", 3);
        if (parts.length == 3 && parts[0].equals(filter)) {
          byte[] text = parts[2].getBytes(StandardCharsets.ISO_8859_1);
          TaskWalk.Place.read(text);
          return new Position(Integer.parseInt(parts[1]), text);
        }
      } catch (IllegalArgumentException unreadable) {
        // Handled below.
      }
      throw new BadCursor();
    }
  }

  /**
   * Begins at a cursor.
   *
   * @param cursor null for the beginning
   * @throws BadCursor it is invalid, or of another filter
   */
  TaskTour(Shards shards, QueueNames names, Filter filter, @Nullable String cursor)
      throws BadCursor {
    // Of its text, because an enum's hash differs between the processes that a cursor may be sent
    // to.
    fingerprint = Integer.toHexString(filter.toString().hashCode());
    homes = filter.clientId() == null ? shards : new Shards(List.of(shards.of(filter.clientId())));
    if (cursor == null) {
      byLabel = TaskWalk.byLabel(homes, filter, filter.state() != null);
      next = new Position(homes.first().number(), TaskWalk.Place.start(byLabel));
    } else {
      next = Position.read(cursor, fingerprint);
      at = homes.all().stream().map(Shard::number).toList().indexOf(next.shard());
      if (at < 0) {
        throw new BadCursor();
      }
      place = TaskWalk.Place.read(next.text());
      byLabel = place.isByLabel() && filter.label() != null;
    }
    walk = TaskWalk.of(filter, names, byLabel);
  }

  /** The shard to search now. */
  Shard shard() {
    return homes.all().get(at);
  }

  /** Where to search in it, and for what. */
  Args args() {
    return walk.args(place);
  }

  /**
   * Continues where a script stopped.
   *
   * @param over whether it reached the end of its shard
   * @return false at the end of all
   */
  boolean goOn(boolean over, byte[] text) {
    next = new Position(shard().number(), text);
    if (over) {
      if (++at == homes.count()) {
        return false;
      }
      next = new Position(shard().number(), TaskWalk.Place.start(byLabel));
    }
    place = TaskWalk.Place.read(next.text());
    return true;
  }

  /** The cursor that continues here. */
  String cursor() {
    return next.cursor(fingerprint);
  }
}
