package io.taskrunner.http.admin;

import com.linecorp.armeria.common.HttpMethod;
import io.taskrunner.client.Client;
import io.taskrunner.client.ClientSettings;
import io.taskrunner.client.Limits;
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
import io.taskrunner.http.call.Missing;
import io.taskrunner.http.call.Precondition;
import io.taskrunner.http.call.Problem;
import io.taskrunner.http.call.Refusal;
import io.taskrunner.http.call.Route;
import io.taskrunner.http.call.Shown;
import io.taskrunner.http.call.Things;
import io.taskrunner.store.ChangedMeanwhile;
import io.taskrunner.store.ClientStore;
import io.taskrunner.store.ClientStore.Change;
import io.taskrunner.store.ConfigStore;
import io.taskrunner.store.Expected;
import io.taskrunner.store.Given;
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
 * Clients, and the calls under {@code /admin/clients} except those of their keys. The document of
 * the entire configuration has those that an admin set up.
 */
public final class Clients implements Kind<Client, ClientSettings> {

  private static final String ID_FORM = "3 to 64 of A-Z a-z 0-9 _ -";

  private static final String NAME_FORM = "1 to 64 of A-Z a-z 0-9 _ -";

  private static final String QUEUE_FORM =
      "1 to 64 of A-Z a-z 0-9 _ -, or a name of Cloud Tasks as projects/p/*";

  private static final Pattern ACCOUNT =
      Pattern.compile(Pattern.quote(Client.ANY_ACCOUNT) + "|[^\\s,\\p{Cntrl}]{1,320}");

  private static final String ACCOUNT_FORM =
      "the address of a service account without spaces and commas, or " + Client.ANY_ACCOUNT;

  private static final long WAITING_BYTES_MAX = 100_000_000_000_000L;

  /** The section of clients in the document of the entire configuration. */
  static final String SECTION = "clients";

  private static final int LIMIT = 50;

  private static final int LIMIT_MAX = 1000;

  private final ClientStore clients;
  private final Audit audit;
  private final Things<Client, ClientSettings> things;

  /** Over a store; logs changes. */
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
    String cursor = query.cursor();
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
    Change change = change(fields);
    Precondition precondition = Precondition.of(call.headers(), faults);
    faults.raise();
    Client client = set(call, Objects.requireNonNull(id), change, precondition);
    return things.answer(client);
  }

  private Client set(Call call, String id, Change change, Precondition precondition) {
    Optional<Changes.Version> before = clients.get(id).map(now -> version(now.settings()));
    Client client =
        precondition
            .change(
                () -> clients.get(id).map(things::current),
                expected -> clients.set(id, change, expected))
            .orElseThrow(() -> noTier(change));
    audit.tell(
        call, "client set", "client_id", id, Changes.between(before, version(client.settings())));
    return client;
  }

  private static Refusal noTier(Change change) {
    String given = Shown.of(change.tier().value());
    String detail = "tier: " + given + " (expected: an existing tier)";
    return new Refusal(Problem.invalid(List.of(Fault.body("/tier", detail))));
  }

  /** Reads a change: an absent field stays unchanged, and null unsets it. */
  private static Change change(Fields fields) {
    Given<String> tier = whole(fields.text("tier", QueueSettings.NAME, NAME_FORM));
    Given<Boolean> enabled = whole(fields.flag("enabled"));
    Given<Fields> own = fields.given("rate_limit", fields::object);
    Given<Integer> maxConcurrent = limit(own, "max_concurrent");
    Given<Integer> requestsPerMin = limit(own, "requests_per_min");
    if (own.value() != null) {
      own.value().done();
    }
    Change change =
        new Change(
            tier,
            enabled,
            maxConcurrent,
            requestsPerMin,
            fields.given(
                "allowed_queues", name -> fields.texts(name, Client.ALLOWED_QUEUE, QUEUE_FORM)),
            fields.given("service_accounts", name -> fields.texts(name, ACCOUNT, ACCOUNT_FORM)),
            fields.given("max_waiting", name -> fields.integer(name, 1, Limits.MAX)),
            fields.given(
                "max_waiting_bytes", name -> fields.longInteger(name, 1, WAITING_BYTES_MAX)));
    fields.done();
    return change;
  }

  /** A field that is always set. */
  private static <T> Given<T> whole(@Nullable T value) {
    return value == null ? Given.nothing() : Given.of(value);
  }

  /** One of the limits in {@code rate_limit}; null there unsets all of them. */
  private static Given<Integer> limit(Given<Fields> own, String name) {
    Fields limits = own.value();
    return limits == null
        ? new Given<>(own.isGiven(), null)
        : limits.given(name, each -> limits.integer(each, 1, Limits.MAX));
  }

  private Answer get(Call call) {
    Client client = things.existing(idOf(call));
    ClientStore.Usage usage =
        clients.usage(client.id()).orElseGet(() -> new ClientStore.Usage(0, 0, 0));
    return Answer.ok(
            JsonOut.object(out -> {
              show(out, client);
              out.object(
                  "usage",
                  to -> {
                    to.number("running", usage.running());
                    to.number("unfinished", usage.unfinished());
                    to.number("unfinished_bytes", usage.bytes());
                  });
            }))
        .tagged(things.current(client));
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
  public Problem notFound(String id) {
    return Missing.client(id);
  }

  @Override
  public String nameForm() {
    return ID_FORM;
  }

  @Override
  public boolean isName(String name) {
    return Client.ID.matcher(name).matches();
  }

  @Override
  public ClientSettings read(String name, Fields fields) {
    return change(fields.nullIsAbsent("tier", "enabled")).of(ClientSettings.DEFAULT);
  }

  @Override
  public void write(JsonOut out, ClientSettings settings) throws IOException {
    write(out, settings, settings.maxConcurrent(), settings.requestsPerMin());
  }

  private static void write(
      JsonOut out,
      ClientSettings settings,
      @Nullable Integer maxConcurrent,
      @Nullable Integer requestsPerMin)
      throws IOException {
    out.text("tier", settings.tier());
    out.flag("enabled", settings.enabled());
    out.object(
        "rate_limit",
        limits -> {
          limits.number("max_concurrent", maxConcurrent);
          limits.number("requests_per_min", requestsPerMin);
        });
    out.number("max_waiting", settings.maxWaiting());
    out.number("max_waiting_bytes", settings.maxWaitingBytes());
    out.texts("allowed_queues", settings.allowedQueues());
    if (!settings.serviceAccounts().isEmpty()) {
      out.texts("service_accounts", settings.serviceAccounts());
    }
  }

  /** With the limits in force. */
  @Override
  public void show(JsonOut out, Client client) throws IOException {
    out.text("client_id", client.id());
    Limits limits = client.limits();
    write(out, client.settings(), limits.maxConcurrent(), limits.requestsPerMin());
    out.time("created_at", client.created());
    out.time("updated_at", client.updated());
  }

  /** Here an unset field is written as null. */
  @Override
  public Changes.Version version(ClientSettings settings) {
    return Changes.Version.of(out -> write(out, settings));
  }

  @Override
  public State<ClientSettings> state(Client client) {
    return new State<>(client.id(), client.settings(), client.revision());
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
  public Put put(String id, ClientSettings settings, Expected expected) throws ChangedMeanwhile {
    if (clients.set(id, Change.to(settings), expected).isEmpty()) {
      throw new ChangedMeanwhile(); // Its tier was deleted meanwhile.
    }
    return Put.SET;
  }

  @Override
  public Optional<Problem> delete(String id, Expected expected) throws ChangedMeanwhile {
    return clients.delete(id, expected) ? Optional.empty() : Optional.of(notFound(id));
  }

  @Override
  public void check(
      String id, ClientSettings settings, Map<String, Set<String>> names, Fields entry) {
    String tier = settings.tier();
    if (!names.getOrDefault(Tiers.SECTION, Set.of()).contains(tier)) {
      entry.fault("tier", tier, "a tier that exists or is in the document");
    }
  }
}
