package io.taskrunner.store.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.taskrunner.testkit.RedisProxy;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** What each script cost Redis' main thread, as CPU time. All is guarded by {@code this}. */
final class ScriptMeter {

  /** The most that one call of a script may take. */
  static final long MOST_MICROS = 5_000;

  /** How often a state that a script was too slow on is made again: the machine has other work. */
  private static final int ATTEMPTS = 3;

  private final Map<String, Script> byDigest = new HashMap<>();
  private final Map<Script, Cost> all = new EnumMap<>(Script.class);
  private Map<Script, Cost> current = new EnumMap<>(Script.class);

  /** The most expensive of some calls. */
  private record Cost(long micros, long calls, String state) {
    boolean over() {
      return micros > MOST_MICROS;
    }

    Cost with(Cost other) {
      Cost worse = other.micros > micros ? other : this;
      return new Cost(worse.micros, calls + other.calls, worse.state);
    }

    Cost least(Cost other) {
      return other.micros < micros ? other : this;
    }

    @Override
    public String toString() {
      return "%,d µs at most in %,d calls, on %s".formatted(micros, calls, state);
    }
  }

  ScriptMeter(RedisProxy proxy) {
    for (Script script : Script.values()) {
      byDigest.put(script.digest(), script);
    }
    proxy.measure((digest, micros) -> took(byDigest.get(digest), micros));
  }

  private synchronized void took(Script script, long micros) {
    current.merge(script, new Cost(micros, 1, ""), Cost::with);
  }

  /** Measures what is done on a state, once more when a script was slow: the faster run counts. */
  void measure(String state, Runnable work) {
    Map<Script, Cost> least = run(work);
    for (int i = 1; i < ATTEMPTS && least.values().stream().anyMatch(Cost::over); i++) {
      run(work).forEach((script, cost) -> least.merge(script, cost, Cost::least));
    }
    synchronized (this) {
      least.forEach((script, cost) ->
          all.merge(script, new Cost(cost.micros(), cost.calls(), state), Cost::with));
    }
  }

  private Map<Script, Cost> run(Runnable work) {
    synchronized (this) {
      current = new EnumMap<>(Script.class);
    }
    work.run();
    synchronized (this) {
      return new EnumMap<>(current);
    }
  }

  /** The most expensive call of each script, the most expensive script first. */
  synchronized String table() {
    return all.entrySet().stream()
        .sorted(Map.Entry.comparingByValue((one, other) -> Long.compare(other.micros, one.micros)))
        .map(one -> "%-18s %s".formatted(one.getKey(), one.getValue()))
        .collect(Collectors.joining("\n"));
  }

  /** Every script was called, and none took longer than it may. */
  synchronized void assertAllWithinBudget() {
    Set<Script> never = EnumSet.copyOf(Arrays.asList(Script.values()));
    never.removeAll(all.keySet());
    List<Script> slow = all.keySet().stream().filter(script -> all.get(script).over()).toList();
    assertEquals(List.of(), slow, () -> "over %,d µs%n%s".formatted(MOST_MICROS, table()));
    assertEquals(Set.of(), never, "scripts that were never called");
  }
}
