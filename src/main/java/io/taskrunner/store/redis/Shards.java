package io.taskrunner.store.redis;

import io.lettuce.core.RedisException;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.taskrunner.task.TaskId;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.zip.CRC32;

/**
 * All shards, and which of them something belongs to. A client's tasks, its limits and its
 * idempotency keys lie in its home shard, whose number its tasks' ids carry; queues and tiers are
 * in each.
 */
record Shards(List<Shard> all) implements Iterable<Shard> {

  Shards {
    all = List.copyOf(all);
  }

  /** A command on a shard's node. */
  interface Command<T> {
    CompletionStage<T> begin(Shard shard, RedisAsyncCommands<byte[], byte[]> redis);
  }

  /** A command that reads something of a thing. */
  interface Read<K, T> {
    CompletionStage<T> begin(Shard shard, RedisAsyncCommands<byte[], byte[]> redis, K thing);
  }

  /** The home of a client. */
  Shard of(String clientId) {
    if (all.size() == 1) {
      return all.getFirst();
    }
    CRC32 hash = new CRC32();
    hash.update(Keys.bytes(clientId));
    return all.get((int) (hash.getValue() % all.size()));
  }

  /** Where a queue is whole, or may be read; one of Cloud Tasks is in one shard alone. */
  Shard ofQueue(String name) {
    return isCloud(name) ? of(name) : first();
  }

  /** The shards that a queue is in. */
  Shards allOfQueue(String name) {
    return isCloud(name) ? new Shards(List.of(of(name))) : this;
  }

  private static boolean isCloud(String name) {
    return name.indexOf('/') >= 0;
  }

  /** Where a task is, if there is such a shard. */
  Optional<Shard> of(TaskId id) {
    return id.shard() < all.size() ? Optional.of(all.get(id.shard())) : Optional.empty();
  }

  /** The shard that counts for all where one must: what is the same in each is read there. */
  Shard first() {
    return all.getFirst();
  }

  int count() {
    return all.size();
  }

  /** Runs a move in each shard at the same time, patiently; the answers in the shards' order. */
  <T> List<T> run(Script script, byte[]... args) {
    return together((shard, redis) -> shard.moves().begin(redis, script, args));
  }

  /** Runs a command in each shard at the same time, patiently; the answers in the shards' order. */
  <T> List<T> together(Command<T> command) {
    List<CompletableFuture<T>> begun = new ArrayList<>(all.size());
    for (Shard shard : all) {
      begun.add(begin(shard, command));
    }
    List<T> answers = new ArrayList<>(all.size());
    for (int i = 0; i < all.size(); i++) {
      Shard shard = all.get(i);
      CompletableFuture<T> first = begun.get(i);
      answers.add(
          shard
              .link()
              .patiently(
                  redis -> first.isCompletedExceptionally() ? command.begin(shard, redis) : first));
    }
    return answers;
  }

  /**
   * Reads something of each of many things, all that are in a shard in one round trip; the answers
   * in the things' order.
   *
   * @param home where a thing is
   */
  static <K, T> List<T> each(List<K> things, Function<K, Shard> home, Read<K, T> read) {
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

  private static <T> CompletableFuture<T> begin(Shard shard, Command<T> command) {
    try {
      return command.begin(shard, shard.link().node().calls()).toCompletableFuture();
    } catch (RedisException notSent) {
      return CompletableFuture.failedFuture(notSent);
    }
  }

  @Override
  public Iterator<Shard> iterator() {
    return all.iterator();
  }
}
