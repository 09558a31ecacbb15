package io.taskrunner.http.admin;

import com.linecorp.armeria.common.HttpMethod;
import io.taskrunner.client.Client;
import io.taskrunner.client.Limits;
import io.taskrunner.client.Tier;
import io.taskrunner.http.call.Access;
import io.taskrunner.http.call.Answer;
import io.taskrunner.http.call.Audit;
import io.taskrunner.http.call.Call;
import io.taskrunner.http.call.Changes;
import io.taskrunner.http.call.Fault;
import io.taskrunner.http.call.Faults;
import io.taskrunner.http.call.Fields;
import io.taskrunner.http.call.JsonOut;
import io.taskrunner.http.call.Kind;
import io.taskrunner.http.call.Precondition;
import io.taskrunner.http.call.Problem;
import io.taskrunner.http.call.Refusal;
import io.taskrunner.http.call.Route;
import io.taskrunner.http.call.Things;
import io.taskrunner.store.ChangedMeanwhile;
import io.taskrunner.store.ClientStore;
import io.taskrunner.store.ClientStore.AllowedQueues;
import io.taskrunner.store.ClientStore.Change;
import io.taskrunner.store.ClientStore.MaxWaiting;
import io.taskrunner.store.ClientStore.MaxWaitingBytes;
import io.taskrunner.store.ClientStore.OwnLimits;
import io.taskrunner.store.ConfigStore;
import io.taskrunner.store.Expected;
import io.taskrunner.store.QueueSettings;
import io.taskrunner.store.TaskStore.BadCursor;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Clients, and the calls under {@code /admin/clients} but those of their keys. In the document of
 * the whole configuration are those that an admin set up.
 */
public final class Clients implements Kind<Client, Change> {

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
  private final Things<Client, Change> things;

  /** Over a store; changes are told to the log. */
  public Clients(ClientStore clients, Audit audit) {
    this.clients = clients;
    this.audit = audit;
    this.things = new Things<>(this, audit);
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
            .taking("client_id"));
  }

  private Answer list(Call call) {
    Faults faults = new Faults();
    Call.Query query = call.query(faults);
    int limit = query.integer("limit", LIMIT, 1, LIMIT_MAX);
    String cursor = query.text("cursor").orElse(null);
    faults.raise();
    try {
      ClientStore.Page page = clients.list(limit, cursor);
      return Answer.ok(
          JsonOut.object(out -> {
            out.array(
                "clients",
                items -> {
                  for (Client client : page.clients()) {
                    items.item(item -> show(item, client));
                  }
                });
            out.number("count", page.count());
            out.text("next_cursor", page.nextCursor());
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
    Optional<Changes.Version> before =
        clients.get(id == null ? "" : id).map(client -> version(asSet(client)));
    Client client =
        set(
            id == null ? "" : id,
            new Change(tier, enabled, own, queues, accounts, waiting, waitingBytes),
            precondition);
    audit.tell(
        call,
        "client set",
        "client_id",
        client.id(),
        Changes.between(before, version(asSet(client))));
    return things.answer(client);
  }

  private Client set(String id, Change change, Precondition precondition) {
    return precondition
        .change(
            () -> clients.get(id).map(things::current),
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
    return things.answer(things.existing(idOf(call)));
  }

  private Answer delete(Call call) {
    return things.delete(call, idOf(call), new Faults(), this::delete);
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

  @Override
  public ConfigStore.Kind stored() {
    return ConfigStore.Kind.CLIENT;
  }

  @Override
  public String key() {
    return "client_id";
  }

  @Override
  public Problem notFound() {
    return Problem.clientNotFound();
  }

  @Override
  public String nameForm() {
    return ID_FORM;
  }

  @Override
  public boolean isName(String name) {
    return Client.ID.matcher(name).matches();
  }

  /** As a call sets it that says nothing of what the client has now. */
  @Override
  public Change read(String name, Fields fields) {
    fields.nullIsAbsent("tier", "enabled");
    final String tier = fields.text("tier", QueueSettings.NAME, NAME_FORM);
    final Boolean enabled = fields.flag("enabled");
    LimitsChange limits = limits(fields);
    AllowedQueues queues = allowedQueues(fields);
    List<String> accounts = serviceAccounts(fields);
    MaxWaiting waiting = maxWaiting(fields);
    MaxWaitingBytes waitingBytes = maxWaitingBytes(fields);
    fields.done();
    return new Change(
        tier == null ? Tier.DEFAULT : tier,
        enabled == null || enabled,
        limits == null ? new OwnLimits(null, null) : limits.over(Optional.empty()),
        queues == null ? new AllowedQueues(null) : queues,
        accounts == null ? List.of() : accounts,
        waiting == null ? new MaxWaiting(null) : waiting,
        waitingBytes == null ? new MaxWaitingBytes(null) : waitingBytes);
  }

  private static Change asSet(Client client) {
    return new Change(
        client.tier(),
        client.enabled(),
        new OwnLimits(client.ownMaxConcurrent(), client.ownRequestsPerMin()),
        new AllowedQueues(client.allowedQueues()),
        client.serviceAccounts(),
        new MaxWaiting(client.maxWaiting()),
        new MaxWaitingBytes(client.maxWaitingBytes()));
  }

  @Override
  public void write(JsonOut out, Change change) throws IOException {
    out.text("tier", change.tier());
    out.flag("enabled", change.enabled());
    OwnLimits limits = Objects.requireNonNull(change.limits());
    limits(out, limits.maxConcurrent(), limits.requestsPerMin());
    writeFurther(out, change);
  }

  private static void limits(
      JsonOut out, @Nullable Integer maxConcurrent, @Nullable Integer requestsPerMin)
      throws IOException {
    out.object(
        "rate_limit",
        limits -> {
          limits.number("max_concurrent", maxConcurrent);
          limits.number("requests_per_min", requestsPerMin);
        });
  }

  private static void writeFurther(JsonOut out, Change change) throws IOException {
    out.number("max_waiting", Objects.requireNonNull(change.maxWaiting()).tasks());
    out.number("max_waiting_bytes", Objects.requireNonNull(change.maxWaitingBytes()).bytes());
    out.texts("allowed_queues", Objects.requireNonNull(change.allowedQueues()).queues());
    List<String> accounts = Objects.requireNonNull(change.serviceAccounts());
    if (!accounts.isEmpty()) {
      out.texts("service_accounts", accounts);
    }
  }

  /** With the limits in force. */
  @Override
  public void show(JsonOut out, Client client) throws IOException {
    out.text("client_id", client.id());
    out.text("tier", client.tier());
    out.flag("enabled", client.enabled());
    limits(out, client.limits().maxConcurrent(), client.limits().requestsPerMin());
    writeFurther(out, asSet(client));
    out.time("created_at", client.created());
    out.time("updated_at", client.updated());
  }

  /** Here what is not set is told as null. */
  @Override
  public Changes.Version version(Change change) {
    return Changes.Version.of(out -> write(out, change));
  }

  @Override
  public State<Change> state(Client client) {
    return new State<>(client.id(), asSet(client), client.revision());
  }

  @Override
  public Optional<Client> find(String id) {
    return clients.get(id);
  }

  @Override
  public Page<Client> page(int most, @Nullable String cursor) {
    return page(clients.configured(most + 1, cursor == null ? "" : cursor), most);
  }

  @Override
  public Put put(String id, Change change, Expected expected) throws ChangedMeanwhile {
    if (clients.set(id, change, expected).isEmpty()) {
      throw new ChangedMeanwhile(); // Its tier was deleted meanwhile.
    }
    return Put.SET;
  }

  @Override
  public Optional<Problem> delete(String id, Expected expected) throws ChangedMeanwhile {
    return clients.delete(id, expected) ? Optional.empty() : Optional.of(notFound());
  }

  @Override
  public void check(String id, Change change, Map<String, Set<String>> names, Fields entry) {
    String tier = Objects.requireNonNull(change.tier());
    if (!names.getOrDefault(Tiers.SECTION, Set.of()).contains(tier)) {
      entry.fault("tier", tier, "a tier that there is once the document is applied");
    }
  }
}
