package io.taskrunner.store.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.api.sync.RedisCommands;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.testkit.RedisProxy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** The cost of each script on Redis' main thread, as CPU time. All is guarded by {@code this}. */
final class ScriptMeter {

  /** The maximum time of one call of a script. */
  static final long MOST_MICROS = 5_000;

  /**
   * Some commands from Lua, which take {@link #REFERENCE_MICROS} on the idle core that the limit is
   * for (Sapphire Rapids). A machine that takes longer just then may take longer for scripts too.
   */
  private static final String REFERENCE =
      "for i = 1, 300 do redis.call('HSET', KEYS[1], i % 50, i)"
          + " local _ = redis.call('HGET', KEYS[1], i % 50) .. string.rep('x', 20) end"
          + " return redis.call('DEL', KEYS[1])";

  private static final double REFERENCE_MICROS = 600;
  private static final int REFERENCE_CALLS = 20;

  /**
   * How often a state on which a script was too slow is created again. The calls are the same each
   * time, so the fastest of each counts: other work of the machine hits another one.
   */
  private static final int ATTEMPTS = 6;

  private final RedisCommands<String, String> redis;
  private final Map<String, Script> byDigest = new HashMap<>();
  private final Map<Script, Cost> all = new EnumMap<>(Script.class);
  private Map<Script, List<Long>> current = new EnumMap<>(Script.class);

  /** The most expensive of some calls. */
  private record Cost(long micros, long calls, String state) {
    boolean over() {
      return micros > MOST_MICROS;
    }

    Cost with(Cost other) {
      Cost worse = other.micros > micros ? other : this;
      return new Cost(worse.micros, calls + other.calls, worse.state);
    }

    @Override
    public String toString() {
      return "%,d µs at most in %,d calls, on %s".formatted(micros, calls, state);
    }
  }

  /**
   * Measures from now on.
   *
   * @param proxy that scripts are called through
   * @param redis the same server, for the reference
   */
  ScriptMeter(RedisProxy proxy, RedisCommands<String, String> redis) {
    this.redis = redis;
    for (Script script : Script.values()) {
      redis.scriptLoad(script.text()); // the first call of one that is not known is not measured
      byDigest.put(Keys.text(script.digest()), script);
    }
    proxy.measure((called, micros) -> took(script(called), micros));
  }

  /** A script by its digest, or by its function's name, which ends with a version. */
  private Script script(String called) {
    Script script = byDigest.get(called);
    return script != null
        ? script
        : Script.valueOf(called.substring(0, called.lastIndexOf('_')).toUpperCase(Locale.ROOT));
  }

  private synchronized void took(Script script, long micros) {
    current.computeIfAbsent(script, _ -> new ArrayList<>()).add(micros);
  }

  /** Measures the calls on a state, once more when a script was slow. */
  void measure(String state, Runnable work) {
    Map<Script, List<Long>> calls = run(work);
    for (int i = 1; i < ATTEMPTS && calls.values().stream().anyMatch(ScriptMeter::isOver); i++) {
      run(work).forEach((script, again) -> calls.merge(script, again, ScriptMeter::fastest));
    }
    synchronized (this) {
      calls.forEach((script, took) ->
          all.merge(script, new Cost(Collections.max(took), took.size(), state), Cost::with));
    }
  }

  private static boolean isOver(List<Long> took) {
    return Collections.max(took) > MOST_MICROS;
  }

  private static List<Long> fastest(List<Long> took, List<Long> again) {
    List<Long> longer = new ArrayList<>(took.size() > again.size() ? took : again);
    for (int i = 0; i < Math.min(took.size(), again.size()); i++) {
      longer.set(i, Math.min(took.get(i), again.get(i)));
    }
    return longer;
  }

  /** The µs of each call in turn, as on the idle reference machine. */
  private Map<Script, List<Long>> run(Runnable work) {
    synchronized (this) {
      current = new EnumMap<>(Script.class);
    }
    double before = slowness();
    work.run();
    double slowness = Math.max(before, slowness());
    synchronized (this) {
      current.values().forEach(took -> took.replaceAll(micros -> (long) (micros / slowness)));
      return current;
    }
  }

  /** How many times slower this machine is now than the reference machine; at least 1. */
  private double slowness() {
    double begun = mainThreadSeconds();
    for (int i = 0; i < REFERENCE_CALLS; i++) {
      redis.eval(REFERENCE, ScriptOutputType.INTEGER, "reference");
    }
    double micros = (mainThreadSeconds() - begun) * 1e6 / REFERENCE_CALLS;
    return Math.max(1, micros / REFERENCE_MICROS);
  }

  private double mainThreadSeconds() {
    return redis
        .info("cpu")
        .lines()
        .filter(line -> line.matches("used_cpu_(user|sys)_main_thread:.*"))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.indexOf(':') + 1)))
        .sum();
  }

  /** The most expensive call of each script, the most expensive script first. */
  synchronized String table() {
    return all.entrySet().stream()
        .sorted(Map.Entry.comparingByValue((one, other) -> Long.compare(other.micros, one.micros)))
        .map(one -> "%-18s %s".formatted(one.getKey(), one.getValue()))
        .collect(Collectors.joining("\n"));
  }

  /** Every script was called, and none exceeded its limit. */
  synchronized void assertAllWithinBudget() {
    Set<Script> never = EnumSet.copyOf(Arrays.asList(Script.values()));
    never.removeAll(all.keySet());
    List<Script> slow = all.keySet().stream().filter(script -> all.get(script).over()).toList();
    assertEquals(List.of(), slow, () -> "over %,d µs%n%s".formatted(MOST_MICROS, table()));
    assertEquals(Set.of(), never, "scripts that were never called");
  }
}
