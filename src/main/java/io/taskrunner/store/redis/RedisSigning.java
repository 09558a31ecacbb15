package io.taskrunner.store.redis;

import io.taskrunner.client.SigningSecret;
import io.taskrunner.store.SigningStore;
import io.taskrunner.store.redis.doctor.Finding;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.Reply;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.link.Shard;
import io.taskrunner.store.redis.link.Shards;
import io.taskrunner.store.redis.record.Packed;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Signing secrets. They are stored in the configuration, one value per client ({@code signing});
 * the client's hash, in its home shard, contains the version of the last change, and each claim
 * returns it. So a worker learns from the claim whether a task must be signed, and reads secrets
 * only when it does not know that version.
 *
 * <p>Secrets are written before their version is published, and that version never decreases: a
 * claim may return an older version than the stored one, never a newer one.
 */
final class RedisSigning implements SigningStore {

  private static final int TRIES_MAX = 10;

  /** The reply of {@code put_secret}. */
  enum Taken {
    DONE,
    /** The limit of secrets that sign at once is reached. */
    MANY
  }

  /** The reply of {@code sign_client}. */
  enum Signed {
    DONE,
    /** Signing was not active. */
    NONE,
    MISSING
  }

  private final Shards shards;
  private final Shard config;

  RedisSigning(Shards shards, Shard config) {
    this.shards = shards;
    this.config = config;
  }

  @Override
  public Put put(String clientId, SigningSecret secret) {
    if (!isKnown(clientId)) {
      return new Put.ClientNotFound();
    }
    for (int i = 0; i < TRIES_MAX; i++) {
      Reply reply =
          config
              .moves()
              .run(
                  Script.PUT_SECRET,
                  clientId,
                  Character.toString(secret.type().letter()),
                  secret.bytes(),
                  SigningSecret.OVERLAP.toMillis(),
                  SigningSecret.MOST);
      boolean done = reply.word(Taken.class) == Taken.DONE;
      long version = reply.number();
      long until = reply.number();
      if (!done) {
        return new Put.TooMany(Instant.ofEpochMilli(until));
      }
      if (!name(clientId, version)) {
        config.moves().run(Script.END_SECRETS, clientId); // deleted meanwhile
        return new Put.ClientNotFound();
      }
      if (read(clientId).isPresent()) {
        return new Put.Done(
            until == 0 ? Optional.empty() : Optional.of(Instant.ofEpochMilli(until)));
      }
      // Signing was ended meanwhile: the published version must exist.
    }
    throw new IllegalStateException(
        "the signing secret of " + clientId + " keeps being deleted concurrently");
  }

  private boolean isKnown(String clientId) {
    Shard home = shards.of(clientId);
    byte[] on = home.field("client:" + clientId, "on");
    return on != null && !Keys.text(on).equals("x");
  }

  /**
   * Publishes a version in the claims of a client's tasks; false when the client does not exist.
   */
  boolean name(String clientId, long version) {
    return sign(clientId, "on", version) == Signed.DONE;
  }

  private Signed sign(String clientId, String onOrOff, long version) {
    return shards
        .of(clientId)
        .moves()
        .run(Script.SIGN_CLIENT, clientId, onOrOff, version)
        .word(Signed.class);
  }

  @Override
  public Ended end(String clientId) {
    Reply reply = config.moves().run(Script.END_SECRETS, clientId);
    boolean there = reply.flag();
    return switch (sign(clientId, "off", reply.number())) {
      case DONE -> Ended.DONE;
      case NONE -> there ? Ended.DONE : Ended.NOT_FOUND;
      case MISSING -> Ended.CLIENT_NOT_FOUND;
    };
  }

  @Override
  public Optional<Held> held(String clientId) {
    Optional<Held> held = read(clientId);
    if (held.isEmpty() || held.get().secrets().size() == 1) {
      return held;
    }
    Instant now = Instant.ofEpochMilli(config.moves().millis());
    return Optional.of(
        new Held(
            held.get().version(),
            held.get().secrets().stream()
                .filter(one -> one.until().isEmpty() || one.until().get().isAfter(now))
                .toList()));
  }

  private Optional<Held> read(String clientId) {
    byte[] held = config.field("signing", clientId);
    return held == null ? Optional.empty() : Optional.of(decode(held));
  }

  /**
   * Checks that a client whose claims return a version has secrets, and that the version is the
   * latest, and repairs the latter. An admin must recreate lost secrets, or end signing.
   *
   * @param named the versions of clients, as read shortly before
   */
  List<Finding> prove(Map<String, Long> named, boolean mend) {
    Map<String, Long> there = new TreeMap<>();
    config
        .hash("signing")
        .forEach((client, held) -> there.put(Keys.text(client), decode(held).version()));
    List<Finding> found = new ArrayList<>();
    for (String client : new TreeSet<>(named.keySet())) {
      if (!there.containsKey(client) && named(client) > 0 && read(client).isEmpty()) {
        found.add(
            new Finding(
                "signing_secret_missing",
                "signing:" + client,
                "its tasks wait until an admin creates another, or deletes the signing secret"));
      }
    }
    there.forEach((client, version) -> {
      if (named.getOrDefault(client, 0L) >= version) {
        return;
      }
      long now = read(client).map(Held::version).orElse(0L);
      if (named(client) < now) {
        found.add(
            new Finding(
                "signing_not_named", "signing:" + client, "claims do not name version " + now));
        if (mend && !name(client, now)) {
          config.moves().run(Script.END_SECRETS, client); // of a deleted client
        }
      }
    });
    return found;
  }

  private long named(String clientId) {
    Shard home = shards.of(clientId);
    byte[] version = home.field("client:" + clientId, "signing");
    return version == null ? 0 : Long.parseLong(Keys.text(version));
  }

  /** Reads the format of {@code lua/lib/secrets.lua}. */
  static Held decode(byte[] held) {
    ByteBuffer in = ByteBuffer.wrap(held);
    long version = Packed.number(in, 6);
    List<Signing> secrets = new ArrayList<>();
    while (in.hasRemaining()) {
      Instant created = Packed.time(in);
      long until = Packed.number(in, 6);
      SigningSecret.Type type = SigningSecret.Type.ofLetter((char) in.get());
      secrets.add(
          new Signing(
              new SigningSecret(type, Packed.bytes(in, 1)),
              created,
              until == 0 ? Optional.empty() : Optional.of(Instant.ofEpochMilli(until))));
    }
    return new Held(version, secrets);
  }
}
