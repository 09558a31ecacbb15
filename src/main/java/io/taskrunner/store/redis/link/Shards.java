package io.taskrunner.store.redis.link;

import io.lettuce.core.api.async.RedisAsyncCommands;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.task.TaskId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/**
 * All shards, and the mapping of data to shards. A client's tasks, its limits and its idempotency
 * keys are in its home shard, whose number is in its tasks' ids; queues and tiers are in each
 * shard.
 */
public record Shards(List<Shard> all) implements Iterable<Shard> {

  /** How long to wait for a shard that did not respond shortly before. */
  private static final Duration PATIENCE_AWAY = Duration.ofMillis(500);

  private static final Duration FOREVER = Duration.ofHours(1);

  public Shards {
    all = List.copyOf(all);
  }

  /** A command on a shard's node. */
  public interface Command<T> {
    CompletionStage<T> begin(Shard shard, RedisAsyncCommands<byte[], byte[]> redis);
  }

  /** A command that reads data of a thing. */
  public interface Read<K, T> {
    CompletionStage<T> begin(Shard shard, RedisAsyncCommands<byte[], byte[]> redis, K thing);
  }

  /** The home shard of a client. */
  public Shard of(String clientId) {
    if (all.size() == 1) {
      return all.getFirst();
    }
    CRC32 hash = new CRC32();
    hash.update(Keys.bytes(clientId));
    return all.get((int) (hash.getValue() % all.size()));
  }

  /** The shard to read a queue from; one of Cloud Tasks is in one shard only. */
  public Shard ofQueue(String name) {
    return isCloud(name) ? of(name) : first();
  }

  /** The shards that a queue is in. */
  public Shards allOfQueue(String name) {
    return isCloud(name) ? new Shards(List.of(of(name))) : this;
  }

  /** The home shard of a gate: of a queue ("q:" and its number), or of a host. */
  public Shard ofGate(String gate) {
    String name = gate.substring(2);
    return gate.startsWith("q:") ? all.get(Integer.parseInt(name) % all.size()) : of(name);
  }

  private static boolean isCloud(String name) {
    return name.indexOf('/') >= 0;
  }

  /** The shard of a task, if it exists. */
  public Optional<Shard> of(TaskId id) {
    return id.shard() < all.size() ? Optional.of(all.get(id.shard())) : Optional.empty();
  }

  /** The shard from which data that is the same in all is read. */
  public Shard first() {
    return all.getFirst();
  }

  public int count() {
    return all.size();
  }

  /** Runs a script in each shard concurrently, with retries; the replies in the shards' order. */
  public List<Reply> run(Script script, @Nullable Object... args) {
    return run(script, Args.of(args));
  }

  public List<Reply> run(Script script, Args args) {
    return together((shard, redis) -> shard.moves().begin(redis, script, args));
  }

  /** Runs a command in each shard concurrently, with retries; the replies in the shards' order. */
  public <T> List<T> together(Command<T> command) {
    List<CompletableFuture<T>> begun = new ArrayList<>(all.size());
    for (Shard shard : all) {
      begun.add(shard.link().begin(redis -> command.begin(shard, redis)));
    }
    List<T> answers = new ArrayList<>(all.size());
    for (int i = 0; i < all.size(); i++) {
      Shard shard = all.get(i);
      answers.add(shard.link().patiently(begun.get(i), redis -> command.begin(shard, redis)));
    }
    return answers;
  }

  /**
   * Reads data of many things, in one round trip per shard; the replies in the things' order.
   *
   * @param home the shard of a thing
   */
  public static <K, T> List<T> each(List<K> things, Function<K, Shard> home, Read<K, T> read) {
    Map<Shard, List<Integer>> byShard = new LinkedHashMap<>();
    for (int i = 0; i < things.size(); i++) {
      byShard.computeIfAbsent(home.apply(things.get(i)), _ -> new ArrayList<>()).add(i);
    }
    List<T> answers = new ArrayList<>(Collections.nCopies(things.size(), null));
    byShard.forEach((shard, some) -> {
      List<T> ofShard =
          shard.link().each(some, (redis, i) -> read.begin(shard, redis, things.get(i)));
      for (int i = 0; i < some.size(); i++) {
        answers.set(some.get(i), ofShard.get(i));
      }
    });
    return answers;
  }

  /**
   * Does something in each shard concurrently.
   *
   * @return in the shards' order; an unavailable shard is left out
   */
  public <T> List<Optional<T>> reached(Function<Shard, T> work) {
    return List.copyOf(eachReached(all, work).values());
  }

  /**
   * The available ones.
   *
   * @throws StoreUnavailable none is available
   */
  public Shards up() {
    if (all.size() == 1) {
      return this;
    }
    Map<Shard, Optional<String>> answers =
        eachReached(all, shard -> shard.link().patiently(redis -> redis.ping()));
    List<Shard> up = all.stream().filter(shard -> isThere(answers, shard)).toList();
    if (up.isEmpty()) {
      throw new StoreUnavailable("no shard answers", null);
    }
    return new Shards(up);
  }

  private static boolean isThere(Map<Shard, Optional<String>> answers, Shard shard) {
    return answers.getOrDefault(shard, Optional.empty()).isPresent();
  }

  /** Whether any of these is in a set. */
  public boolean meet(Shards others) {
    return all.stream().anyMatch(others.all::contains);
  }

  /**
   * Those of these that are in a set.
   *
   * @throws StoreUnavailable none is
   */
  public Shards among(Shards others) {
    List<Shard> both = all.stream().filter(others.all::contains).toList();
    if (both.isEmpty()) {
      throw new StoreUnavailable("the shards of this do not answer", null);
    }
    return both.size() == all.size() ? this : new Shards(both);
  }

  /** Does something in some shards concurrently; an unavailable one is left out. */
  public static <T> Map<Shard, Optional<T>> eachReached(
      Collection<Shard> some, Function<Shard, T> work) {
    Map<Shard, CompletableFuture<T>> begun = new LinkedHashMap<>();
    for (Shard shard : some) {
      CompletableFuture<T> answer = new CompletableFuture<>();
      begun.put(shard, answer);
      Thread.ofVirtual()
          .name("shard-" + shard.number())
          .start(() -> {
            try {
              answer.complete(work.apply(shard));
            } catch (RuntimeException failure) {
              answer.completeExceptionally(failure);
            }
          });
    }
    Map<Shard, Optional<T>> answers = new LinkedHashMap<>();
    begun.forEach((shard, answer) -> answers.put(shard, unlessAway(shard, answer)));
    return answers;
  }

  private static <T> Optional<T> unlessAway(Shard shard, CompletableFuture<T> answer) {
    Duration most = shard.link().seemsAway() ? PATIENCE_AWAY : FOREVER;
    try {
      return Optional.of(answer.get(most.toMillis(), TimeUnit.MILLISECONDS));
    } catch (TimeoutException stillAway) {
      return Optional.empty();
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new StoreUnavailable("interrupted while waiting for Redis", interrupted);
    } catch (ExecutionException failed) {
      if (failed.getCause() instanceof StoreUnavailable) {
        return Optional.empty();
      }
      throw failed.getCause() instanceof RuntimeException fault
          ? fault
          : new IllegalStateException(failed);
    }
  }

  @Override
  public Iterator<Shard> iterator() {
    return all.iterator();
  }
}
