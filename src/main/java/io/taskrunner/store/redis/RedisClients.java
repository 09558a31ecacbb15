package io.taskrunner.store.redis;

import io.lettuce.core.KeyValue;
import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.taskrunner.client.Client;
import io.taskrunner.client.Limits;
import io.taskrunner.client.Scope;
import io.taskrunner.client.Tier;
import io.taskrunner.store.ChangedMeanwhile;
import io.taskrunner.store.ClientStore;
import io.taskrunner.store.Expected;
import io.taskrunner.store.TaskStore.BadCursor;
import io.taskrunner.store.redis.Changes.Step;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.Link;
import io.taskrunner.store.redis.link.QueueNames;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.link.Shard;
import io.taskrunner.store.redis.link.Shards;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Clients, their keys, and tiers.
 *
 * <p>A client's hash lies in its home shard, where the scripts obey it; tiers lie in each. Keys lie
 * in the configuration, by their digest: {@code keys} names each one's client, id and time; {@code
 * keys:<client>} lists a client's digests by id.
 */
final class RedisClients implements ClientStore {

  private static final byte[] EMPTY = new byte[0];
  private static final int CACHE_MAX = 10_000;
  private static final int UNPARK_ROUNDS_MAX = 100;

  /** Clients that are gone through at a time. */
  private static final int PAGE = 100;

  private static final Duration CACHE_TTL = Duration.ofSeconds(1);

  private final Shards shards;
  private final Link configLink;
  private final Keys config;
  private final QueueNames names;
  private final Revisions revisions;
  private final Changes changes;
  private final Map<String, Cached> owners = new ConcurrentHashMap<>();

  private record Cached(Optional<KeyOwner> owner, long at) {}

  RedisClients(
      Shards shards,
      Link configLink,
      Keys config,
      QueueNames names,
      Revisions revisions,
      Changes changes) {
    this.revisions = revisions;
    this.changes = changes;
    this.shards = shards;
    this.configLink = configLink;
    this.config = config;
    this.names = names;
  }

  @Override
  public Page list(int limit, @Nullable String cursor) throws BadCursor {
    List<byte[]> ids = ids(cursor == null ? EMPTY : position(cursor), limit + 1);
    List<Long> counts = shards.together((shard, redis) -> redis.zcard(shard.keys().key("clients")));
    long count = counts.stream().mapToLong(Long::longValue).sum();
    List<Client> clients =
        read(ids.subList(0, Math.min(limit, ids.size())), tierLimits(), _ -> true);
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
  public Optional<Client> get(String id) {
    return read(id, tierLimits());
  }

  @Override
  public List<Client> configured(int most, String after) {
    Map<String, Limits> tiers = tierLimits();
    List<Client> found = new ArrayList<>();
    byte[] last = Keys.bytes(after);
    while (true) {
      List<byte[]> ids = ids(last, most);
      found.addAll(read(ids, tiers, hash -> !hash.containsKey("stranger")));
      if (ids.size() < most || found.size() >= most) {
        return found.subList(0, Math.min(most, found.size()));
      }
      last = ids.getLast();
    }
  }

  /** The first ids behind one; in the order of their bytes. */
  private List<byte[]> ids(byte[] after, int most) {
    Range<byte[]> range =
        after.length == 0
            ? Range.unbounded()
            : Range.from(Range.Boundary.excluding(after), Range.Boundary.unbounded());
    return shards
        .together((shard, redis) ->
            redis.zrangebylex(shard.keys().key("clients"), range, Limit.create(0, most)))
        .stream()
        .flatMap(List::stream)
        .sorted(Arrays::compare)
        .limit(most)
        .toList();
  }

  /** Those that are there; in one round trip a shard. */
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

  private static byte[] key(Shard shard, String id) {
    return shard.keys().key("client:" + id);
  }

  private Optional<Client> read(String id, Map<String, Limits> tiers) {
    return read(id, hash(id), tiers);
  }

  private static Optional<Client> read(
      String id, Map<String, String> hash, Map<String, Limits> tiers) {
    if (hash.isEmpty() || "x".equals(hash.get("on"))) {
      return Optional.empty();
    }
    String tier = hash.getOrDefault("tier", Tier.DEFAULT);
    Limits ofTier = tiers.getOrDefault(tier, Tier.BUILT_IN.getLast().limits());
    Integer concurrent = integer(hash.get("max_concurrent"));
    Integer perMin = integer(hash.get("requests_per_min"));
    String queues = hash.get("queues");
    return Optional.of(
        new Client(
            id,
            tier,
            "1".equals(hash.get("on")),
            concurrent,
            perMin,
            new Limits(
                concurrent != null ? concurrent : ofTier.maxConcurrent(),
                perMin != null ? perMin : ofTier.requestsPerMin()),
            integer(hash.get("max_waiting")),
            longInteger(hash.get("max_waiting_bytes")),
            queues == null ? null : names(queues),
            names(hash.getOrDefault("accounts", ",")),
            time(hash.get("created")),
            time(hash.get("updated")),
            revision(hash)));
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
    Shard shard = shards.of(id);
    return texts(shard.link().patiently(redis -> redis.hgetall(key(shard, id))));
  }

  private static Map<String, String> texts(Map<byte[], byte[]> raw) {
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
    if (change.tier() != null && !tierLimits().containsKey(change.tier())) {
      return Optional.empty();
    }
    long revision = revisions.decide(field(id), expected, () -> seen(id));
    List<byte[]> args = new ArrayList<>();
    args.add(Keys.bytes(id));
    put(args, "rev", revision);
    if (change.tier() != null) {
      put(args, "tier", change.tier());
    }
    if (change.enabled() != null) {
      put(args, "on", change.enabled() ? 1 : 0);
    }
    if (change.limits() != null) {
      put(args, "max_concurrent", change.limits().maxConcurrent());
      put(args, "requests_per_min", change.limits().requestsPerMin());
    }
    if (change.allowedQueues() != null) {
      List<String> queues = change.allowedQueues().queues();
      put(args, "queues", queues == null ? null : text(queues));
    }
    if (change.serviceAccounts() != null) {
      put(args, "accounts", text(change.serviceAccounts()));
    }
    if (change.maxWaiting() != null) {
      put(args, "max_waiting", change.maxWaiting().tasks());
    }
    if (change.maxWaitingBytes() != null) {
      put(args, "max_waiting_bytes", change.maxWaitingBytes().bytes());
    }
    byte[] word = shards.of(id).moves().run(Script.PUT_CLIENT, args.toArray(byte[][]::new));
    if (!Keys.text(word).equals("done")) {
      revisions.forget(field(id), revision); // The tier was deleted in between.
      return Optional.empty();
    }
    Optional<Client> set = get(id);
    if (set.isEmpty()) {
      throw new ChangedMeanwhile(); // It was deleted at once.
    }
    return set;
  }

  private static void put(List<byte[]> args, String field, @Nullable Object value) {
    args.add(Keys.bytes(field));
    args.add(value == null ? EMPTY : Keys.bytes(value.toString()));
  }

  @Override
  public boolean delete(String id, Expected expected) throws ChangedMeanwhile {
    if (seen(id).isEmpty()) {
      return false;
    }
    long revision = revisions.decide(field(id), expected, () -> seen(id));
    List<byte[]> args = new ArrayList<>();
    args.add(Keys.bytes(id));
    args.add(Keys.bytes(revision));
    names.numbers().forEach(n -> args.add(Keys.bytes(n)));
    owners.clear();
    // Its keys first: while it is there it needs one, and they are not left for another of its
    // name.
    List<byte[]> words =
        changes.carryOut(
            field(id),
            revision,
            Step.inConfiguration(Script.FORGET_CLIENT, Keys.bytes(id), Keys.bytes(revision)),
            Step.atHome(id, Script.DELETE_CLIENT, args.toArray(byte[][]::new)));
    revisions.forget(field(id), revision);
    return !Keys.text(words.getFirst()).equals("missing");
  }

  private byte[] keysOf(String clientId) {
    return config.key("keys:" + clientId);
  }

  @Override
  public List<Tier> tiers() {
    Map<String, Long> revisionsOf = tierRevisions();
    Map<String, Limits> limits = tierLimits();
    List<Tier> tiers = new ArrayList<>();
    Tier.BUILT_IN.forEach(tier ->
        tiers.add(
            new Tier(
                tier.name(),
                limits.getOrDefault(tier.name(), tier.limits()),
                revisionsOf.getOrDefault(tier.name(), 0L))));
    limits.entrySet().stream()
        .filter(tier -> !Tier.isBuiltIn(tier.getKey()))
        .sorted(Comparator.comparing(Map.Entry::getKey))
        .forEach(tier ->
            tiers.add(
                new Tier(
                    tier.getKey(), tier.getValue(), revisionsOf.getOrDefault(tier.getKey(), 0L))));
    return tiers;
  }

  private Map<String, Long> tierRevisions() {
    Shard first = shards.first();
    Map<byte[], byte[]> raw =
        first.link().patiently(redis -> redis.hgetall(first.keys().key("tiers:rev")));
    Map<String, Long> revisionsOf = HashMap.newHashMap(raw.size());
    raw.forEach((name, value) -> revisionsOf.put(Keys.text(name), Long.valueOf(Keys.text(value))));
    return revisionsOf;
  }

  private OptionalLong seenTier(String name) {
    return tierLimits().containsKey(name)
        ? OptionalLong.of(tierRevisions().getOrDefault(name, 0L))
        : OptionalLong.empty();
  }

  private Map<String, Limits> tierLimits() {
    Shard first = shards.first();
    Map<byte[], byte[]> raw =
        first.link().patiently(redis -> redis.hgetall(first.keys().key("tiers")));
    Map<String, Limits> limits = HashMap.newHashMap(raw.size());
    raw.forEach((name, value) -> {
      String[] parts = new String(value, StandardCharsets.UTF_8).split(":", -1);
      limits.put(
          Keys.text(name), new Limits(Integer.parseInt(parts[0]), Integer.parseInt(parts[1])));
    });
    return limits;
  }

  @Override
  public void putTier(Tier tier, Expected expected) throws ChangedMeanwhile {
    long revision = revisions.decide("tier:" + tier.name(), expected, () -> seenTier(tier.name()));
    changes.carryOut(
        "tier:" + tier.name(),
        revision,
        Step.everywhere(
            Script.PUT_TIER,
            Keys.bytes(tier.name()),
            Keys.bytes(tier.limits().maxConcurrent()),
            Keys.bytes(tier.limits().requestsPerMin()),
            Keys.bytes(revision)));
    // Its clients may have room where they are parked; what is left of it `tidy` does.
    shards.forEach(RedisClients::unpark);
  }

  private static void unpark(Shard shard) {
    for (int round = 0; round < UNPARK_ROUNDS_MAX; round++) {
      if (!Keys.text(shard.moves().<byte[]>run(Script.UNPARK)).equals("1")) {
        return;
      }
    }
  }

  private void forEachClient(BiConsumer<Shard, List<byte[]>> step) {
    shards.forEach(shard -> forEachClient(shard, step));
  }

  private static void forEachClient(Shard shard, BiConsumer<Shard, List<byte[]>> step) {
    Range<byte[]> rest = Range.unbounded();
    while (true) {
      Range<byte[]> range = rest;
      List<byte[]> ids =
          shard
              .link()
              .patiently(redis ->
                  redis.zrangebylex(shard.keys().key("clients"), range, Limit.create(0, PAGE)));
      if (ids.isEmpty()) {
        return;
      }
      step.accept(shard, ids);
      rest = Range.from(Range.Boundary.excluding(ids.getLast()), Range.Boundary.unbounded());
    }
  }

  @Override
  public TierDeleted deleteTier(String name, Expected expected) throws ChangedMeanwhile {
    if (Tier.isBuiltIn(name)) {
      return TierDeleted.BUILT_IN;
    }
    boolean[] used = {false};
    forEachClient((_, ids) -> {
      byte[] field = Keys.bytes("tier");
      List<Boolean> have =
          Shards.each(
              ids.stream().map(Keys::text).toList(),
              shards::of,
              (shard, redis, id) ->
                  redis
                      .hget(key(shard, id), field)
                      .thenApply(tier -> tier != null && name.equals(Keys.text(tier))));
      used[0] |= have.contains(true);
    });
    if (used[0]) {
      return TierDeleted.IN_USE;
    }
    if (seenTier(name).isEmpty()) {
      return TierDeleted.NOT_FOUND;
    }
    long revision = revisions.decide("tier:" + name, expected, () -> seenTier(name));
    List<byte[]> words =
        changes.carryOut(
            "tier:" + name,
            revision,
            Step.everywhere(Script.DELETE_TIER, Keys.bytes(name), Keys.bytes(revision)));
    revisions.forget("tier:" + name, revision);
    return words.stream().allMatch(word -> Keys.text(word).equals("missing"))
        ? TierDeleted.NOT_FOUND
        : TierDeleted.DONE;
  }

  @Override
  public Optional<String> addKey(String clientId, String digest, String name, Set<Scope> scopes) {
    if (get(clientId).isEmpty()) {
      return Optional.empty();
    }
    String keyId = UUID.nameUUIDFromBytes(Keys.bytes(digest)).toString();
    Shard home = shards.of(clientId);
    byte[] client = key(home, clientId);
    // First the rule that a key is needed, then the key: in between nobody gets in.
    home.link().patiently(redis -> redis.hset(client, Keys.bytes("keyed"), Keys.bytes(1)));
    String value =
        String.join(
            ":",
            clientId,
            keyId,
            Long.toString(home.moves().millis() / 1000),
            Scope.letters(scopes),
            name);
    configLink.patiently(
        redis -> redis.hset(keysOf(clientId), Keys.bytes(keyId), Keys.bytes(digest)));
    configLink.patiently(
        redis -> redis.hset(config.key("keys"), Keys.bytes(digest), Keys.bytes(value)));
    home.link().patiently(redis -> redis.hdel(client, Keys.bytes("stranger")));
    home.link().patiently(redis -> redis.zrem(home.keys().key("strangers"), Keys.bytes(clientId)));
    owners.remove(digest);
    return Optional.of(keyId);
  }

  /** Scopes and name came later: a key without them opens everything. */
  private static KeyOwner owner(byte[] value) {
    String[] parts = Keys.text(value).split(":", -1);
    return new KeyOwner(
        parts[0],
        parts[1],
        Instant.ofEpochSecond(Long.parseLong(parts[2])),
        parts.length > 4 ? parts[4] : "",
        parts.length > 3 ? Scope.ofLetters(parts[3]) : Scope.ALL);
  }

  @Override
  public Optional<List<KeyOwner>> keys(String clientId) {
    if (get(clientId).isEmpty()) {
      return Optional.empty();
    }
    Map<byte[], byte[]> digests = configLink.patiently(redis -> redis.hgetall(keysOf(clientId)));
    if (digests.isEmpty()) {
      return Optional.of(List.of());
    }
    byte[][] fields = digests.values().toArray(byte[][]::new);
    List<KeyValue<byte[], byte[]>> values =
        configLink.patiently(redis -> redis.hmget(config.key("keys"), fields));
    // A digest without a key is of one whose making was broken off: it opens nothing.
    return Optional.of(
        values.stream()
            .filter(KeyValue::hasValue)
            .map(value -> owner(value.getValue()))
            .sorted(Comparator.comparing(KeyOwner::created).thenComparing(KeyOwner::keyId))
            .toList());
  }

  @Override
  public KeyRevoked revokeKey(String clientId, String keyId) {
    if (get(clientId).isEmpty()) {
      return KeyRevoked.CLIENT_NOT_FOUND;
    }
    byte[] digest = configLink.patiently(redis -> redis.hget(keysOf(clientId), Keys.bytes(keyId)));
    if (digest == null) {
      return KeyRevoked.KEY_NOT_FOUND;
    }
    configLink.patiently(redis -> redis.hdel(config.key("keys"), digest));
    configLink.patiently(redis -> redis.hdel(keysOf(clientId), Keys.bytes(keyId)));
    owners.remove(Keys.text(digest));
    return KeyRevoked.DONE;
  }

  @Override
  public Optional<KeyOwner> keyOwner(String digest) {
    Optional<KeyOwner> known = knownKeyOwner(digest);
    if (known.isPresent()) {
      return known;
    }
    long now = System.nanoTime();
    byte[] value =
        configLink.patiently(redis -> redis.hget(config.key("keys"), Keys.bytes(digest)));
    if (value == null) {
      owners.remove(digest);
      return Optional.empty();
    }
    Optional<KeyOwner> owner = Optional.of(owner(value));
    if (owners.size() >= CACHE_MAX) {
      owners.clear();
    }
    owners.put(digest, new Cached(owner, now));
    return owner;
  }

  @Override
  public Optional<KeyOwner> knownKeyOwner(String digest) {
    Cached cached = owners.get(digest);
    return cached != null && System.nanoTime() - cached.at() < CACHE_TTL.toNanos()
        ? cached.owner()
        : Optional.empty();
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
