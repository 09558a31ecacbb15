package io.taskrunner.store.redis;

import static io.taskrunner.store.redis.GateCalls.NOT_NEEDED;
import static io.taskrunner.store.redis.GateCalls.WANT;

import io.taskrunner.store.WorkStore.ClaimRequest;
import io.taskrunner.store.redis.GateCalls.Asker;
import io.taskrunner.store.redis.GateCalls.Op;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.Shard;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The room of gates for waiting tasks of one shard: as announced by their homes, or as they replied
 * when they were asked. The next {@code tend} gets it.
 */
final class GateRooms {

  private static final Logger LOG = LoggerFactory.getLogger(GateRooms.class);
  private static final int ROOM_MAX = 100;

  /** A gate whose retry delay is this long, or longer, announces its room. */
  private static final long ANNOUNCED_MILLIS = 3000;

  private static final long LONG_WAIT_MILLIS = 600_000;

  private final GateCalls calls;
  private final Runnable tend;

  // Guarded by this.
  private final Map<String, Integer> rooms = new HashMap<>();
  private final Set<String> asking = new HashSet<>();

  /**
   * No room is known yet.
   *
   * @param tend has {@code tend} run soon
   */
  GateRooms(GateCalls calls, Runnable tend) {
    this.calls = calls;
    this.tend = tend;
  }

  /**
   * Asks for room at gates.
   *
   * @param gates each with the number of tasks that wait for it
   */
  void want(Map<String, Integer> gates, ClaimRequest claim) {
    Asker asker = new Asker(claim.workerId(), claim.lease());
    Map<Shard, Map<String, Integer>> byHome = new HashMap<>();
    synchronized (this) {
      gates.forEach((gate, waiting) -> {
        if (asking.add(gate)) {
          byHome.computeIfAbsent(calls.home(gate), _ -> new HashMap<>()).put(gate, waiting);
        }
      });
    }
    byHome.forEach((home, some) -> ask(home, some, asker));
  }

  /** At most one question for a gate is in flight, or about to be. */
  void askAgain(String gate, int waiting, long inMillis, Asker asker) {
    if (inMillis == ANNOUNCED_MILLIS) {
      return; // its home notifies when there is room, and `tend` asks in case that is lost
    }
    synchronized (this) {
      if (inMillis > ANNOUNCED_MILLIS) {
        rooms.put(gate, Math.toIntExact(-Math.min(inMillis, LONG_WAIT_MILLIS)));
        return;
      }
      if (!asking.add(gate)) {
        return;
      }
    }
    calls.later(inMillis, () -> ask(calls.home(gate), Map.of(gate, waiting), asker));
  }

  private void ask(Shard home, Map<String, Integer> waiting, Asker asker) {
    List<String> gates = List.copyOf(waiting.keySet());
    List<Op> ops = new ArrayList<>();
    for (String gate : gates) {
      int most = Math.min(waiting.getOrDefault(gate, 0), ROOM_MAX);
      ops.add(new Op(WANT, gate, Keys.bytes(most)));
    }
    calls
        .call(home, asker, ops)
        .whenComplete((replies, failure) -> {
          synchronized (this) {
            gates.forEach(asking::remove);
          }
          if (failure != null) {
            LOG.atDebug()
                .addKeyValue("gates", gates)
                .log("the shard of these gates does not answer");
            return;
          }
          for (int i = 0; i < gates.size(); i++) {
            String gate = gates.get(i);
            if (replies.get(i) > 0) {
              hear(gate, Math.toIntExact(replies.get(i)));
            } else {
              askAgain(gate, waiting.getOrDefault(gate, 0), -replies.get(i), asker);
            }
          }
        });
  }

  /**
   * Returns promised room.
   *
   * @param gates each with the number of places for which this shard has no task
   */
  void renounce(Map<String, Integer> gates, ClaimRequest claim) {
    Asker asker = new Asker(claim.workerId(), claim.lease());
    gates.forEach((gate, count) -> {
      Op op = new Op(NOT_NEEDED, gate, Keys.bytes(count));
      calls.call(calls.home(gate), asker, Collections.nCopies(count, op));
    });
  }

  /** A gate has room for tasks of this shard. */
  void hear(String gate, int room) {
    synchronized (this) {
      rooms.merge(gate, room, (before, more) -> Math.max(before, 0) + more);
    }
    tend.run();
  }

  /**
   * The arguments of the next {@code tend}: how many tasks a gate can take, or minus the ms until
   * it must be asked again.
   */
  synchronized Map<String, Integer> now() {
    return Map.copyOf(rooms);
  }

  /** A {@code tend} was given this room. */
  synchronized void told(Map<String, Integer> some) {
    some.forEach((gate, room) ->
        rooms.computeIfPresent(
            gate,
            (_, now) -> now.equals(room) ? null : room > 0 ? Integer.valueOf(now - room) : now));
  }
}
