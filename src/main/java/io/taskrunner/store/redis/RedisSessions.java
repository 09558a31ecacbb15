package io.taskrunner.store.redis;

import io.taskrunner.store.SessionStore;
import io.taskrunner.store.redis.link.Reply;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.link.Shard;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/**
 * Sessions of the dashboard, in the configuration's slot: {@code session:<digest>} holds its start
 * and what it represents, and expires; {@code sessions} lists them by their start.
 */
final class RedisSessions implements SessionStore {

  private static final Duration COPY_TTL = Duration.ofSeconds(1);

  private final Shard config;
  private final Map<String, Copy> copies = new ConcurrentHashMap<>();

  /** As of a time of {@link System#nanoTime}. */
  private record Copy(Holder holder, long at) {
    boolean isFresh() {
      return System.nanoTime() - at < COPY_TTL.toNanos();
    }
  }

  RedisSessions(Shard config) {
    this.config = config;
  }

  @Override
  public void begin(String digest, Holder holder) {
    config
        .moves()
        .run(
            Script.PUT_SESSION,
            digest,
            letter(holder.kind()) + holder.key(),
            OF_A_KEY_MAX,
            MAX,
            IDLE_MAX.toMillis());
  }

  @Override
  public Optional<Holder> find(String digest) {
    Optional<Holder> known = known(digest);
    if (known.isPresent()) {
      return known;
    }
    long at = System.nanoTime();
    String represents =
        config
            .moves()
            .run(Script.USE_SESSION, digest, IDLE_MAX.toMillis(), LIFE_MAX.toMillis())
            .text();
    copies.values().removeIf(copy -> !copy.isFresh());
    if (represents.isEmpty()) {
      return Optional.empty();
    }
    Holder holder = holder(represents);
    copies.put(digest, new Copy(holder, at));
    return Optional.of(holder);
  }

  @Override
  public Optional<Holder> known(String digest) {
    return Optional.ofNullable(copies.get(digest)).filter(Copy::isFresh).map(Copy::holder);
  }

  @Override
  public void end(String digest) {
    config.link().patiently(redis -> redis.del(config.key("session:" + digest)));
    copies.remove(digest);
  }

  @Override
  public List<Session> list() {
    Instant now = Instant.ofEpochMilli(config.moves().millis());
    return all(reply -> session(reply, now));
  }

  /** All open sessions, the oldest first; read a page at a time. */
  private <T> List<T> all(Function<Reply, T> row) {
    List<T> all = new ArrayList<>();
    for (long from = 0; from >= 0; ) {
      Reply reply = config.moves().run(Script.SESSIONS, from);
      from = reply.number();
      all.addAll(reply.rest(row));
    }
    return all;
  }

  private static Session session(Reply reply, Instant now) {
    String id = reply.text().substring(0, ID_LENGTH);
    Holder holder = holder(reply.text());
    Instant created = reply.time();
    Duration unused = IDLE_MAX.minusMillis(reply.number());
    Instant used = now.minus(unused);
    return new Session(id, holder, created, used.isBefore(created) ? created : used);
  }

  @Override
  public boolean endById(String id) {
    List<String> digests =
        all(RedisSessions::digest).stream().filter(digest -> digest.startsWith(id)).toList();
    digests.forEach(this::end);
    return !digests.isEmpty();
  }

  private static String digest(Reply reply) {
    String digest = reply.text();
    reply.text();
    reply.time();
    reply.number();
    return digest;
  }

  private static char letter(Kind kind) {
    return switch (kind) {
      case ROOT -> 'r';
      case ADMIN -> 'a';
      case CLIENT -> 'c';
    };
  }

  private static Holder holder(String represents) {
    Kind kind =
        switch (represents.charAt(0)) {
          case 'r' -> Kind.ROOT;
          case 'a' -> Kind.ADMIN;
          default -> Kind.CLIENT;
        };
    return new Holder(kind, represents.substring(1));
  }
}
