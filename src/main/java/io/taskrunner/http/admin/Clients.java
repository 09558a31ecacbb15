package io.taskrunner.http.admin;

import com.linecorp.armeria.common.HttpMethod;
import io.taskrunner.client.ApiKey;
import io.taskrunner.client.Client;
import io.taskrunner.client.Limits;
import io.taskrunner.client.Scope;
import io.taskrunner.client.Tier;
import io.taskrunner.http.call.Access;
import io.taskrunner.http.call.Answer;
import io.taskrunner.http.call.Audit;
import io.taskrunner.http.call.Call;
import io.taskrunner.http.call.Changes;
import io.taskrunner.http.call.ConfigKind;
import io.taskrunner.http.call.Fault;
import io.taskrunner.http.call.Faults;
import io.taskrunner.http.call.Fields;
import io.taskrunner.http.call.JsonOut;
import io.taskrunner.http.call.Precondition;
import io.taskrunner.http.call.Problem;
import io.taskrunner.http.call.Refusal;
import io.taskrunner.http.call.Route;
import io.taskrunner.store.ChangedMeanwhile;
import io.taskrunner.store.ClientStore;
import io.taskrunner.store.ClientStore.AllowedQueues;
import io.taskrunner.store.ClientStore.Change;
import io.taskrunner.store.ClientStore.KeyOwner;
import io.taskrunner.store.ClientStore.MaxWaiting;
import io.taskrunner.store.ClientStore.MaxWaitingBytes;
import io.taskrunner.store.ClientStore.OwnLimits;
import io.taskrunner.store.ClientStore.Page;
import io.taskrunner.store.ConfigStore;
import io.taskrunner.store.ConfigStore.Thing;
import io.taskrunner.store.Expected;
import io.taskrunner.store.QueueSettings;
import io.taskrunner.store.TaskStore.BadCursor;
import java.io.IOException;
import java.security.SecureRandom;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The calls under {@code /admin/clients}. */
public final class Clients {

  private static final String ID_FORM = "3 to 64 of A-Z a-z 0-9 _ -";

  private static final String NAME_FORM = "1 to 64 of A-Z a-z 0-9 _ -";

  private static final String QUEUE_FORM =
      "1 to 64 of A-Z a-z 0-9 _ -, or a name of Cloud Tasks as projects/p/*";

  private static final Pattern ACCOUNT =
      Pattern.compile(Pattern.quote(Client.ANY_ACCOUNT) + "|[^\\s,\\p{Cntrl}]{1,320}");

  private static final String ACCOUNT_FORM =
      "the address of a service account without spaces and commas, or " + Client.ANY_ACCOUNT;

  private static final long WAITING_BYTES_MAX = 100_000_000_000_000L;

  /** Where clients are in the document of the whole configuration. */
  static final String SECTION = "clients";

  private static final int LIMIT = 50;

  private static final int LIMIT_MAX = 1000;

  private final ClientStore clients;
  private final Audit audit;
  private final SecureRandom random = new SecureRandom();

  /** Over a store; changes are told to the log. */
  public Clients(ClientStore clients, Audit audit) {
    this.clients = clients;
    this.audit = audit;
  }

  /** The routes. */
  public List<Route> routes() {
    return List.of(
        Route.of(HttpMethod.GET, "/admin/clients", Access.ADMIN, this::list)
            .taking("limit", "cursor"),
        Route.of(
            HttpMethod.POST, "/admin/clients/set", Access.ADMIN, Route.Body.REQUIRED, this::set),
        Route.of(
            HttpMethod.PUT, "/admin/clients/set", Access.ADMIN, Route.Body.REQUIRED, this::set),
        Route.of(HttpMethod.GET, "/admin/clients/get", Access.ADMIN, this::get).taking("client_id"),
        Route.of(HttpMethod.DELETE, "/admin/clients/delete", Access.ADMIN, this::delete)
            .taking("client_id"),
        Route.of(
            HttpMethod.POST,
            "/admin/clients/{id}/keys",
            Access.ADMIN,
            Route.Body.OPTIONAL,
            this::addKey),
        Route.of(HttpMethod.GET, "/admin/clients/{id}/keys", Access.ADMIN, this::listKeys),
        Route.of(
            HttpMethod.DELETE, "/admin/clients/{id}/keys/{key_id}", Access.ADMIN, this::revokeKey));
  }

  /** Clients in the document of the whole configuration: those that an admin set up. */
  public ConfigKind kind() {
    return new ClientKind();
  }

  private final class ClientKind implements ConfigKind {
    @Override
    public String section() {
      return SECTION;
    }

    @Override
    public ConfigKind.Page items(int most, @Nullable String cursor) {
      SortedMap<String, Item> items = new TreeMap<>();
      List<Client> some = clients.configured(most + 1, cursor == null ? "" : cursor);
      for (Client client : some.subList(0, Math.min(most, some.size()))) {
        Change asSet =
            new Change(
                client.tier(),
                client.enabled(),
                new OwnLimits(client.ownMaxConcurrent(), client.ownRequestsPerMin()),
                new AllowedQueues(client.allowedQueues()),
                client.serviceAccounts(),
                new MaxWaiting(client.maxWaiting()),
                new MaxWaitingBytes(client.maxWaitingBytes()));
        items.put(client.id(), new Item(out -> writeSet(out, asSet), client.revision(), true));
      }
      return new ConfigKind.Page(items, some.size() > most ? items.lastKey() : null);
    }

    @Override
    public @Nullable Wanted read(String name, Fields entry) {
      int faults = entry.faults().list().size();
      if (!Client.ID.matcher(name).matches()) {
        entry.wrongName(ID_FORM);
      }
      final Change given = change(entry.nullIsAbsent("tier", "enabled"));
      entry.done();
      if (entry.faults().list().size() > faults) {
        return null;
      }
      Change whole =
          new Change(
              given.tier() == null ? Tier.DEFAULT : given.tier(),
              given.enabled() == null || given.enabled(),
              given.limits() == null ? new OwnLimits(null, null) : given.limits(),
              given.allowedQueues() == null ? new AllowedQueues(null) : given.allowedQueues(),
              given.serviceAccounts() == null ? List.of() : given.serviceAccounts(),
              given.maxWaiting() == null ? new MaxWaiting(null) : given.maxWaiting(),
              given.maxWaitingBytes() == null
                  ? new MaxWaitingBytes(null)
                  : given.maxWaitingBytes());
      return new Wanted() {
        @Override
        public JsonOut.Members settings() {
          return out -> writeSet(out, whole);
        }

        @Override
        public void apply(Expected expected) throws ChangedMeanwhile {
          if (clients.set(name, whole, expected).isEmpty()) {
            throw new ChangedMeanwhile(); // Its tier was deleted meanwhile.
          }
        }
      };
    }

    /** As a call sets it that says nothing of what the client has now. */
    private static Change change(Fields entry) {
      String tier = entry.text("tier", QueueSettings.NAME, NAME_FORM);
      Boolean enabled = entry.flag("enabled");
      LimitsChange limits = limits(entry);
      return new Change(
          tier,
          enabled,
          limits == null ? null : limits.over(Optional.empty()),
          allowedQueues(entry),
          serviceAccounts(entry),
          maxWaiting(entry),
          maxWaitingBytes(entry));
    }

    @Override
    public Thing thing(String name) {
      return new Thing(ConfigStore.Kind.CLIENT, name);
    }

    @Override
    public boolean isBuiltIn(String name) {
      return false;
    }

    @Override
    public boolean delete(String name, Expected expected) throws ChangedMeanwhile {
      clients.delete(name, expected);
      return true;
    }

    /** What is said, and no more. */
    private static void writeSet(JsonOut out, Change change) throws IOException {
      out.text("tier", change.tier());
      out.flag("enabled", Boolean.TRUE.equals(change.enabled()));
      OwnLimits limits = change.limits();
      if (limits != null && (limits.maxConcurrent() != null || limits.requestsPerMin() != null)) {
        out.object(
            "rate_limit",
            own -> {
              if (limits.maxConcurrent() != null) {
                own.number("max_concurrent", limits.maxConcurrent());
              }
              if (limits.requestsPerMin() != null) {
                own.number("requests_per_min", limits.requestsPerMin());
              }
            });
      }
      if (change.maxWaiting() != null && change.maxWaiting().tasks() != null) {
        out.number("max_waiting", change.maxWaiting().tasks());
      }
      if (change.maxWaitingBytes() != null && change.maxWaitingBytes().bytes() != null) {
        out.number("max_waiting_bytes", (long) change.maxWaitingBytes().bytes());
      }
      if (change.allowedQueues() != null && change.allowedQueues().queues() != null) {
        out.texts("allowed_queues", change.allowedQueues().queues());
      }
      if (change.serviceAccounts() != null && !change.serviceAccounts().isEmpty()) {
        out.texts("service_accounts", change.serviceAccounts());
      }
    }
  }

  private Answer list(Call call) {
    Faults faults = new Faults();
    Call.Query query = call.query(faults);
    int limit = query.integer("limit", LIMIT, 1, LIMIT_MAX);
    String cursor = query.cursor();
    faults.raise();
    try {
      Page page = clients.list(limit, cursor);
      return Answer.ok(
          JsonOut.object(out -> {
            out.array(
                "clients",
                items -> {
                  for (Client client : page.clients()) {
                    items.item(item -> write(item, client));
                  }
                });
            out.number("count", page.count());
            out.text("next_cursor", query.nextCursor(page.nextCursor()));
          }));
    } catch (BadCursor badCursor) {
      throw query.badCursor();
    }
  }

  private Answer set(Call call) {
    Faults faults = new Faults();
    Fields fields = call.fields(faults);
    boolean named = fields.has("client_id");
    String id = fields.text("client_id", Client.ID, ID_FORM);
    if (!named) {
      fields.missing("client_id", ID_FORM);
    }
    final String tier = fields.text("tier", QueueSettings.NAME, NAME_FORM);
    final Boolean enabled = fields.flag("enabled");
    final LimitsChange limits = limits(fields);
    final AllowedQueues queues = allowedQueues(fields);
    final List<String> accounts = serviceAccounts(fields);
    final MaxWaiting waiting = maxWaiting(fields);
    final MaxWaitingBytes waitingBytes = maxWaitingBytes(fields);
    fields.done();
    Precondition precondition = Precondition.of(call.headers(), faults);
    faults.raise();
    OwnLimits own = limits == null || id == null ? null : limits.over(clients.get(id));
    Optional<Changes.Version> before = clients.get(id == null ? "" : id).map(Clients::version);
    Client client =
        set(
            id == null ? "" : id,
            new Change(tier, enabled, own, queues, accounts, waiting, waitingBytes),
            precondition);
    audit.tell(
        call, "client set", "client_id", client.id(), Changes.between(before, version(client)));
    return Answer.ok(json(client)).tagged(current(client));
  }

  private Client set(String id, Change change, Precondition precondition) {
    return precondition
        .change(
            () -> clients.get(id).map(Clients::current),
            expected -> clients.set(id, change, expected))
        .orElseThrow(() ->
            new Refusal(
                Problem.invalid(
                    List.of(
                        Fault.body(
                            "/tier",
                            "tier: "
                                + Fields.shown(change.tier())
                                + " (expected: an existing tier)")))));
  }

  /** Which of a client's own limits change; a null value is the tier's again. */
  private record LimitsChange(
      boolean concurrentGiven,
      @Nullable Integer concurrent,
      boolean perMinGiven,
      @Nullable Integer perMin) {

    /** With what the client has now where nothing is said. */
    OwnLimits over(Optional<Client> now) {
      return new OwnLimits(
          concurrentGiven ? concurrent : now.map(Client::ownMaxConcurrent).orElse(null),
          perMinGiven ? perMin : now.map(Client::ownRequestsPerMin).orElse(null));
    }
  }

  private static @Nullable LimitsChange limits(Fields fields) {
    if (!fields.has("rate_limit")) {
      return null;
    }
    if (!fields.hasValue("rate_limit")) {
      fields.nullIsAbsent("rate_limit");
      return new LimitsChange(true, null, true, null);
    }
    Fields given = fields.object("rate_limit");
    if (given == null) {
      return null;
    }
    boolean concurrentGiven = given.has("max_concurrent");
    boolean perMinGiven = given.has("requests_per_min");
    given.nullIsAbsent("max_concurrent", "requests_per_min");
    LimitsChange change =
        new LimitsChange(
            concurrentGiven,
            given.integer("max_concurrent", 1, Limits.MAX),
            perMinGiven,
            given.integer("requests_per_min", 1, Limits.MAX));
    given.done();
    return change;
  }

  private static @Nullable AllowedQueues allowedQueues(Fields fields) {
    if (!fields.has("allowed_queues")) {
      return null;
    }
    if (!fields.hasValue("allowed_queues")) {
      fields.nullIsAbsent("allowed_queues");
      return new AllowedQueues(null);
    }
    return new AllowedQueues(fields.texts("allowed_queues", Client.ALLOWED_QUEUE, QUEUE_FORM));
  }

  private static @Nullable MaxWaiting maxWaiting(Fields fields) {
    if (!fields.has("max_waiting")) {
      return null;
    }
    fields.nullIsAbsent("max_waiting");
    return new MaxWaiting(fields.integer("max_waiting", 1, Limits.MAX));
  }

  private static @Nullable MaxWaitingBytes maxWaitingBytes(Fields fields) {
    if (!fields.has("max_waiting_bytes")) {
      return null;
    }
    fields.nullIsAbsent("max_waiting_bytes");
    return new MaxWaitingBytes(fields.longInteger("max_waiting_bytes", 1, WAITING_BYTES_MAX));
  }

  private static @Nullable List<String> serviceAccounts(Fields fields) {
    if (!fields.has("service_accounts")) {
      return null;
    }
    if (!fields.hasValue("service_accounts")) {
      fields.nullIsAbsent("service_accounts");
      return List.of();
    }
    return fields.texts("service_accounts", ACCOUNT, ACCOUNT_FORM);
  }

  private Answer get(Call call) {
    Client client = existing(idOf(call));
    return Answer.ok(json(client)).tagged(current(client));
  }

  private Client existing(String id) {
    return clients.get(id).orElseThrow(() -> new Refusal(Problem.clientNotFound()));
  }

  /**
   * As {@code ETag} and {@code If-Match} see it: its id and what was set on it, not the numbers of
   * its tier.
   */
  private static Precondition.Current current(Client client) {
    return Precondition.Current.of(
        client.revision(),
        JsonOut.object(out -> {
          out.text("client_id", client.id());
          writeSettings(out, client);
        }));
  }

  private Answer delete(Call call) {
    String id = idOf(call);
    Faults faults = new Faults();
    Precondition precondition = Precondition.of(call.headers(), faults);
    faults.raise();
    existing(id);
    if (!precondition.change(
        () -> clients.get(id).map(Clients::current), expected -> clients.delete(id, expected))) {
      throw new Refusal(Problem.clientNotFound());
    }
    audit.tell(call, "client deleted", "client_id", id);
    return Answer.noContent();
  }

  private static String idOf(Call call) {
    Faults faults = new Faults();
    Call.Query query = call.query(faults);
    String id = query.text("client_id", Client.ID, ID_FORM);
    if (id == null && faults.isEmpty()) {
      query.missing("client_id", ID_FORM);
    }
    faults.raise();
    return id == null ? "" : id;
  }

  private Answer addKey(Call call) {
    Faults faults = new Faults();
    Fields fields = call.fields(faults).nullIsAbsent("name", "scopes");
    final String name = fields.text("name", QueueSettings.NAME, NAME_FORM);
    final Set<Scope> scopes = scopes(fields);
    fields.done();
    faults.raise();
    String id = call.param(0);
    String key = ApiKey.make(random);
    String keyId =
        clients
            .addKey(id, ApiKey.digest(key), name == null ? "" : name, scopes)
            .orElseThrow(() -> new Refusal(Problem.clientNotFound()));
    audit.tell(
        call,
        "key made",
        "client_id",
        id,
        "key_id",
        keyId,
        "scopes",
        String.join(" ", words(scopes)));
    byte[] json =
        JsonOut.object(out -> {
          out.text("key_id", keyId);
          out.text("key", key);
          out.text("name", name);
          out.texts("scopes", words(scopes));
        });
    return Answer.created(json).with("cache-control", "no-store");
  }

  /** What a key shall open: at least one scope, each once; everything when nothing is said. */
  private static Set<Scope> scopes(Fields fields) {
    List<?> given = fields.array("scopes");
    if (given == null) {
      return Scope.ALL;
    }
    Set<Scope> scopes = EnumSet.noneOf(Scope.class);
    for (Object word : given) {
      Optional<Scope> scope = word instanceof String text ? Scope.ofWord(text) : Optional.empty();
      if (scope.isEmpty() || !scopes.add(scope.get())) {
        fields.fault("scopes", word, "each of enqueue, read and operate at most once");
      }
    }
    if (given.isEmpty()) {
      fields.fault("scopes", "empty (expected: at least one of enqueue, read and operate)");
    }
    return scopes;
  }

  private static List<String> words(Set<Scope> scopes) {
    return Scope.ordered(scopes).stream().map(Scope::word).toList();
  }

  private Answer listKeys(Call call) {
    List<KeyOwner> keys =
        clients.keys(call.param(0)).orElseThrow(() -> new Refusal(Problem.clientNotFound()));
    return Answer.ok(
        JsonOut.object(out ->
            out.array(
                "keys",
                items -> {
                  for (KeyOwner key : keys) {
                    items.item(item -> {
                      item.text("key_id", key.keyId());
                      item.text("name", key.name().isEmpty() ? null : key.name());
                      item.texts("scopes", words(key.scopes()));
                      item.time("created_at", key.created());
                    });
                  }
                })));
  }

  private Answer revokeKey(Call call) {
    switch (clients.revokeKey(call.param(0), call.param(1))) {
      case DONE ->
          audit.tell(call, "key revoked", "client_id", call.param(0), "key_id", call.param(1));
      case CLIENT_NOT_FOUND -> throw new Refusal(Problem.clientNotFound());
      case KEY_NOT_FOUND -> throw new Refusal(Problem.keyNotFound());
    }
    return Answer.noContent();
  }

  /** What was set on it, and nothing else. */
  private static void writeSettings(JsonOut out, Client client) throws IOException {
    out.text("tier", client.tier());
    out.flag("enabled", client.enabled());
    out.object(
        "rate_limit",
        limits -> {
          limits.number("max_concurrent", client.ownMaxConcurrent());
          limits.number("requests_per_min", client.ownRequestsPerMin());
        });
    writeFurther(out, client);
  }

  /** What is shown of a client in the same way to whoever asks. */
  private static void writeFurther(JsonOut out, Client client) throws IOException {
    out.number("max_waiting", client.maxWaiting());
    Long waitingBytes = client.maxWaitingBytes();
    if (waitingBytes == null) {
      out.text("max_waiting_bytes", null);
    } else {
      out.number("max_waiting_bytes", waitingBytes.longValue());
    }
    List<String> queues = client.allowedQueues();
    if (queues == null) {
      out.text("allowed_queues", null);
    } else {
      out.texts("allowed_queues", queues);
    }
    if (!client.serviceAccounts().isEmpty()) {
      out.texts("service_accounts", client.serviceAccounts());
    }
  }

  private static Changes.Version version(Client client) {
    return Changes.Version.of(out -> writeSettings(out, client));
  }

  private static byte[] json(Client client) {
    return JsonOut.object(out -> write(out, client));
  }

  private static void write(JsonOut out, Client client) throws IOException {
    out.text("client_id", client.id());
    out.text("tier", client.tier());
    out.flag("enabled", client.enabled());
    out.object(
        "rate_limit",
        limits -> {
          limits.number("max_concurrent", client.limits().maxConcurrent());
          limits.number("requests_per_min", client.limits().requestsPerMin());
        });
    writeFurther(out, client);
    out.time("created_at", client.created());
    out.time("updated_at", client.updated());
  }
}
