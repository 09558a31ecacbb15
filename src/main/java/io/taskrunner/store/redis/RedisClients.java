package io.taskrunner.store.redis;

import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.taskrunner.client.Client;
import io.taskrunner.client.ClientSettings;
import io.taskrunner.client.Limits;
import io.taskrunner.client.Scope;
import io.taskrunner.client.Tier;
import io.taskrunner.store.ChangedMeanwhile;
import io.taskrunner.store.ClientStore;
import io.taskrunner.store.Expected;
import io.taskrunner.store.Given;
import io.taskrunner.store.TaskStore.BadCursor;
import io.taskrunner.store.redis.Changes.Step;
import io.taskrunner.store.redis.link.Args;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.QueueNames;
import io.taskrunner.store.redis.link.Reply;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.link.Shard;
import io.taskrunner.store.redis.link.Shards;
import io.taskrunner.store.redis.record.ClientCounts;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Clients, their keys, and tiers.
 *
 * <p>A client's hash is stored in its home shard, where the scripts apply it.
 */
final class RedisClients implements ClientStore {

  private static final byte[] EMPTY = new byte[0];

  private final Shards shards;
  private final QueueNames names;
  private final Revisions revisions;
  private final Changes changes;
  private final RedisTiers tiers;
  private final RedisClientKeys keys;

  /** The reply of {@code put_client}. */
  enum Put {
    DONE,
    /** No such tier. */
    NO_TIER
  }

  RedisClients(
      Shards shards, Shard config, QueueNames names, Revisions revisions, Changes changes) {
    this.revisions = revisions;
    this.changes = changes;
    this.shards = shards;
    this.names = names;
    this.tiers = new RedisTiers(shards, revisions, changes);
    this.keys = new RedisClientKeys(shards, config);
  }

  @Override
  public Page list(int limit, @Nullable String cursor) throws BadCursor {
    List<byte[]> ids = ids(cursor == null ? EMPTY : position(cursor), limit + 1);
    List<Long> counts = shards.together((shard, redis) -> redis.zcard(shard.key("clients")));
    long count = counts.stream().mapToLong(Long::longValue).sum();
    List<Client> clients =
        read(ids.subList(0, Math.min(limit, ids.size())), tiers.limits(), _ -> true);
    String next =
        ids.size() > limit
            ? Base64.getUrlEncoder().withoutPadding().encodeToString(ids.get(limit - 1))
            : null;
    return new Page(clients, count, next);
  }

  private static byte[] position(String cursor) throws BadCursor {
    try {
      byte[] id = Base64.getUrlDecoder().decode(cursor);
      if (!Client.ID.matcher(Keys.text(id)).matches()) {
        throw new BadCursor();
      }
      return id;
    } catch (IllegalArgumentException unreadable) {
      throw new BadCursor();
    }
  }

  @Override
  public Optional<Usage> usage(String id) {
    Shard home = shards.of(id);
    var fields =
        home.link()
            .patiently(redis -> redis.hmget(key(home, id), Keys.bytes("on"), Keys.bytes("counts")));
    if (!fields.getFirst().hasValue()) {
      return Optional.empty();
    }
    ClientCounts counts = ClientCounts.of(fields.getLast().getValueOrElse(null));
    return Optional.of(new Usage(counts.running(), counts.live(), counts.bytes()));
  }

  @Override
  public Optional<Client> get(String id) {
    return read(id, tiers.limits());
  }

  @Override
  public List<Client> configured(int most, String after) {
    Map<String, Limits> limits = tiers.limits();
    List<Client> found = new ArrayList<>();
    byte[] last = Keys.bytes(after);
    while (true) {
      List<byte[]> ids = ids(last, most);
      found.addAll(read(ids, limits, hash -> !hash.containsKey("stranger")));
      if (ids.size() < most || found.size() >= most) {
        return found.subList(0, Math.min(most, found.size()));
      }
      last = ids.getLast();
    }
  }

  /** The first ids after one, in byte order. */
  private List<byte[]> ids(byte[] after, int most) {
    Range<byte[]> range =
        after.length == 0
            ? Range.unbounded()
            : Range.from(Range.Boundary.excluding(after), Range.Boundary.unbounded());
    return shards
        .together(
            (shard, redis) -> redis.zrangebylex(shard.key("clients"), range, Limit.create(0, most)))
        .stream()
        .flatMap(List::stream)
        .sorted(Arrays::compare)
        .limit(most)
        .toList();
  }

  /** Those that exist; in one round trip per shard. */
  private List<Client> read(
      List<byte[]> ids, Map<String, Limits> tiers, Predicate<Map<String, String>> wanted) {
    List<String> names = ids.stream().map(Keys::text).toList();
    List<Map<byte[], byte[]>> hashes =
        Shards.each(names, shards::of, (shard, redis, id) -> redis.hgetall(key(shard, id)));
    List<Client> clients = new ArrayList<>();
    for (int i = 0; i < names.size(); i++) {
      Map<String, String> hash = texts(hashes.get(i));
      if (wanted.test(hash)) {
        read(names.get(i), hash, tiers).ifPresent(clients::add);
      }
    }
    return clients;
  }

  static byte[] key(Shard shard, String id) {
    return shard.key("client:" + id);
  }

  private Optional<Client> read(String id, Map<String, Limits> tiers) {
    return read(id, hash(id), tiers);
  }

  private static Optional<Client> read(
      String id, Map<String, String> hash, Map<String, Limits> tiers) {
    if (hash.isEmpty() || "x".equals(hash.get("on"))) {
      return Optional.empty();
    }
    ClientSettings settings = settings(hash);
    Limits ofTier = tiers.getOrDefault(settings.tier(), Tier.BUILT_IN.getLast().limits());
    return Optional.of(
        new Client(
            id,
            settings,
            settings.limits(ofTier),
            time(hash.get("created")),
            time(hash.get("updated")),
            revision(hash)));
  }

  private static ClientSettings settings(Map<String, String> hash) {
    String queues = hash.get("queues");
    return new ClientSettings(
        hash.getOrDefault("tier", Tier.DEFAULT),
        "1".equals(hash.get("on")),
        integer(hash.get("max_concurrent")),
        integer(hash.get("requests_per_min")),
        queues == null ? null : names(queues),
        names(hash.getOrDefault("accounts", ",")),
        integer(hash.get("max_waiting")),
        longInteger(hash.get("max_waiting_bytes")));
  }

  /** The fields of the hash that a change sets, or unsets with nothing. */
  private static Map<String, Given<?>> fields(Change change) {
    Map<String, Given<?>> fields = new LinkedHashMap<>();
    fields.put("tier", change.tier());
    fields.put("on", change.enabled().map(enabled -> enabled ? 1 : 0));
    fields.put("max_concurrent", change.maxConcurrent());
    fields.put("requests_per_min", change.requestsPerMin());
    fields.put("queues", change.allowedQueues().map(RedisClients::text));
    fields.put("accounts", change.serviceAccounts().map(RedisClients::text));
    fields.put("max_waiting", change.maxWaiting());
    fields.put("max_waiting_bytes", change.maxWaitingBytes());
    return fields;
  }

  private static long revision(Map<String, String> hash) {
    return Long.parseLong(hash.getOrDefault("rev", "0"));
  }

  private static String field(String id) {
    return "client:" + id;
  }

  private OptionalLong seen(String id) {
    Map<String, String> hash = hash(id);
    return hash.isEmpty() || "x".equals(hash.get("on"))
        ? OptionalLong.empty()
        : OptionalLong.of(revision(hash));
  }

  private Map<String, String> hash(String id) {
    return texts(shards.of(id).hash("client:" + id));
  }

  static Map<String, String> texts(Map<byte[], byte[]> raw) {
    Map<String, String> hash = HashMap.newHashMap(raw.size());
    raw.forEach((name, value) -> hash.put(Keys.text(name), Keys.text(value)));
    return hash;
  }

  private static @Nullable Integer integer(@Nullable String text) {
    return text == null ? null : Integer.valueOf(text);
  }

  private static @Nullable Long longInteger(@Nullable String text) {
    return text == null ? null : Long.valueOf(text);
  }

  private static Instant time(@Nullable String millis) {
    return Instant.ofEpochMilli(millis == null ? 0 : Long.parseLong(millis));
  }

  /** {@code ,a,b,}: commas on both sides, so that a script finds a name by plain search. */
  private static List<String> names(String text) {
    return text.equals(",") ? List.of() : List.of(text.substring(1, text.length() - 1).split(","));
  }

  private static String text(List<String> names) {
    return names.isEmpty() ? "," : "," + String.join(",", names) + ",";
  }

  @Override
  public Optional<Client> set(String id, Change change, Expected expected) throws ChangedMeanwhile {
    String tier = change.tier().value();
    if (tier != null && !tiers.limits().containsKey(tier)) {
      return Optional.empty();
    }
    long revision = revisions.decide(field(id), expected, () -> seen(id));
    Args args = Args.of(id).field("rev", revision);
    fields(change)
        .forEach((field, given) -> {
          if (given.isGiven()) {
            args.field(field, given.value());
          }
        });
    Reply reply = shards.of(id).moves().run(Script.PUT_CLIENT, args);
    if (reply.word(Put.class) == Put.NO_TIER) {
      revisions.forget(field(id), revision); // The tier was deleted meanwhile.
      return Optional.empty();
    }
    Optional<Client> set = get(id);
    if (set.isEmpty()) {
      throw new ChangedMeanwhile(); // It was deleted at once.
    }
    return set;
  }

  @Override
  public boolean delete(String id, Expected expected) throws ChangedMeanwhile {
    if (seen(id).isEmpty()) {
      return false;
    }
    long revision = revisions.decide(field(id), expected, () -> seen(id));
    Args args = Args.of(id, revision);
    names.numbers().forEach(args::with);
    keys.forgetOwners();
    // Its keys first: while it exists it requires one, and they must not remain for another of its
    // name.
    List<Reply> answers =
        changes.carryOut(
            field(id),
            revision,
            Step.inConfiguration(Script.FORGET_CLIENT, id, revision),
            Step.atHome(id, Script.DELETE_CLIENT, args));
    revisions.forget(field(id), revision);
    return answers.getFirst().word(Done.class) != Done.MISSING;
  }

  @Override
  public List<Tier> tiers() {
    return tiers.list();
  }

  @Override
  public void putTier(Tier tier, Expected expected) throws ChangedMeanwhile {
    tiers.put(tier, expected);
  }

  @Override
  public TierDeleted deleteTier(String name, Expected expected) throws ChangedMeanwhile {
    return tiers.delete(name, expected);
  }

  @Override
  public Optional<String> addKey(String clientId, String digest, String name, Set<Scope> scopes) {
    return seen(clientId).isEmpty()
        ? Optional.empty()
        : Optional.of(keys.add(clientId, digest, name, scopes));
  }

  @Override
  public Optional<List<KeyOwner>> keys(String clientId) {
    return seen(clientId).isEmpty() ? Optional.empty() : Optional.of(keys.list(clientId));
  }

  @Override
  public KeyRevoked revokeKey(String clientId, String keyId) {
    if (seen(clientId).isEmpty()) {
      return KeyRevoked.CLIENT_NOT_FOUND;
    }
    return keys.revoke(clientId, keyId) ? KeyRevoked.DONE : KeyRevoked.KEY_NOT_FOUND;
  }

  @Override
  public Optional<KeyOwner> keyOwner(String digest) {
    return keys.owner(digest);
  }

  @Override
  public Optional<KeyOwner> knownKeyOwner(String digest) {
    return keys.knownOwner(digest);
  }

  @Override
  public Standing standing(String id) {
    Map<String, String> hash = hash(id);
    if (hash.isEmpty()) {
      return Standing.UNKNOWN;
    }
    if (!"1".equals(hash.get("on"))) {
      return Standing.DISABLED;
    }
    return hash.containsKey("keyed") ? Standing.KEYED : Standing.OPEN;
  }
}
