package io.taskrunner.worker;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The slots of a worker, shared by the loops of its shards.
 *
 * <p>A loop takes slots before it claims tasks from its shard, and returns those without a task.
 * While no loop lacks slots, a loop may take half of the free ones, so that another that is woken
 * meanwhile finds some. A loop that finds none queues, and each slot that becomes free is drawn
 * among the queued loops, by the weight of the tasks that wait in their shards.
 *
 * <p>In addition there are {@value #EXPRESS} for tasks that RunTask requested. These are not
 * reserved in advance: loops that get replies at the same time may together exceed the number.
 */
final class Slots {

  /** Slots for tasks that RunTask requested. */
  static final int EXPRESS = 2;

  private final AtomicInteger express = new AtomicInteger();
  private final int all;
  private final boolean shared;
  private final RandomGenerator random;

  // Guarded by this.
  private int used;
  private final Map<Signals, Waiting> line = new LinkedHashMap<>();

  /**
   * A queued loop: the weight of the tasks that wait in its shard, and the slots that it has drawn.
   */
  private static final class Waiting {
    double weight;
    int drawn;
  }

  /**
   * Slots.
   *
   * @param all the number of slots
   * @param shared whether several loops take from them
   */
  Slots(int all, boolean shared, RandomGenerator random) {
    this.all = all;
    this.shared = shared;
    this.random = random;
  }

  /** Whether a loop that asks now would get any, or has drawn some. */
  synchronized boolean hasFor(Signals loop) {
    Waiting waiting = line.get(loop);
    return waiting == null ? used < all : waiting.drawn > 0;
  }

  /**
   * Whether a loop that needs slots would get any; if not, it is queued, and signalled when it has
   * drawn one.
   *
   * @param weight of the tasks that wait in the loop's shard
   */
  boolean standInLine(Signals loop, double weight) {
    List<Signals> drew;
    boolean has;
    synchronized (this) {
      if (!shared || (line.isEmpty() && used < all)) {
        return used < all;
      }
      Waiting waiting = line.computeIfAbsent(loop, _ -> new Waiting());
      waiting.weight = Math.max(1, weight);
      drew = draw();
      has = waiting.drawn > 0;
    }
    signal(drew, loop);
    return has;
  }

  /**
   * Takes slots.
   *
   * @param weight of the tasks that wait in the loop's shard
   * @param most how many it can use
   * @return how many it got; with none it is queued, and signalled when it has drawn one
   */
  int take(Signals loop, double weight, int most) {
    int taken;
    List<Signals> drew;
    synchronized (this) {
      if (line.isEmpty() && used < all) {
        int free = all - used;
        taken = Math.min(most, shared ? (free + 1) / 2 : free);
        used += taken;
        return taken;
      }
      Waiting waiting = line.computeIfAbsent(loop, _ -> new Waiting());
      waiting.weight = Math.max(1, weight);
      drew = draw();
      int drawn = waiting.drawn;
      taken = Math.min(most, drawn);
      if (taken > 0) {
        line.remove(loop);
        used -= drawn - taken;
      }
    }
    signal(drew, loop);
    return taken;
  }

  /** The number of tasks requested by RunTask that may start. */
  int expressFree() {
    return Math.max(0, EXPRESS - express.get());
  }

  /** A task requested by RunTask starts. */
  void beginExpress() {
    express.incrementAndGet();
  }

  /** A task requested by RunTask has ended. */
  void endExpress() {
    express.decrementAndGet();
  }

  /** One slot for a loop that cannot queue, if one is free. */
  synchronized boolean takeOne() {
    if (used >= all) {
      return false;
    }
    used++;
    return true;
  }

  /** Returns slots. */
  void giveBack(int count) {
    if (count == 0) {
      return;
    }
    List<Signals> drew;
    synchronized (this) {
      used -= count;
      drew = draw();
    }
    signal(drew, null);
  }

  /** A loop cannot use a slot for now: it leaves the queue. */
  void leave(Signals loop) {
    List<Signals> drew;
    synchronized (this) {
      Waiting waiting = line.remove(loop);
      if (waiting == null) {
        return;
      }
      used -= waiting.drawn;
      drew = draw();
    }
    signal(drew, null);
  }

  /** Distributes free slots among the queued loops; returns the loops that got some. */
  private List<Signals> draw() {
    if (line.isEmpty()) {
      return List.of();
    }
    double weights = line.values().stream().mapToDouble(waiting -> waiting.weight).sum();
    List<Signals> drew = new ArrayList<>();
    for (; used < all; used++) {
      Signals drawn = drawn(random.nextDouble() * weights);
      Waiting waiting = Objects.requireNonNull(line.get(drawn));
      if (waiting.drawn++ == 0) {
        drew.add(drawn);
      }
    }
    return drew;
  }

  private Signals drawn(double point) {
    double passed = 0;
    for (Map.Entry<Signals, Waiting> entry : line.entrySet()) {
      passed += entry.getValue().weight;
      if (point < passed) {
        return entry.getKey();
      }
    }
    return line.keySet().iterator().next(); // the sum's last digit
  }

  private static void signal(List<Signals> drew, @Nullable Signals asking) {
    for (Signals loop : drew) {
      if (loop != asking) {
        loop.news();
      }
    }
  }
}
