package io.taskrunner.http.dashboard;

import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.HttpStatus;
import io.taskrunner.client.AdminKey;
import io.taskrunner.client.Scope;
import io.taskrunner.http.call.Access;
import io.taskrunner.http.call.Answer;
import io.taskrunner.http.call.Audit;
import io.taskrunner.http.call.Call;
import io.taskrunner.http.call.Caller;
import io.taskrunner.http.call.Credentials;
import io.taskrunner.http.call.Faults;
import io.taskrunner.http.call.Fields;
import io.taskrunner.http.call.JsonOut;
import io.taskrunner.http.call.Missing;
import io.taskrunner.http.call.Problem;
import io.taskrunner.http.call.Refusal;
import io.taskrunner.http.call.Route;
import io.taskrunner.http.call.Sessions;
import io.taskrunner.store.AdminKeyStore;
import io.taskrunner.store.ClientStore;
import io.taskrunner.store.SessionStore;
import io.taskrunner.store.SessionStore.Holder;
import io.taskrunner.store.SessionStore.Session;
import io.taskrunner.store.Stores;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The calls under {@code /v1/session} and {@code /v1/sessions}: signing in to the dashboard. */
public final class SessionCalls {

  private static final Logger LOG = LoggerFactory.getLogger(SessionCalls.class);

  /** How long the answer to an invalid key is delayed, which slows down guessing. */
  private static final int WRONG_KEY_MILLIS = 300;

  private static final String SET_COOKIE = "set-cookie";

  private final Sessions sessions;
  private final Credentials credentials;
  private final SessionStore store;
  private final AdminKeyStore adminKeys;
  private final ClientStore clients;
  private final Audit audit;

  /** Over sessions and the stores of their keys; logs changes of an admin. */
  public SessionCalls(Sessions sessions, Credentials credentials, Stores stores, Audit audit) {
    this.sessions = sessions;
    this.credentials = credentials;
    this.store = stores.sessions();
    this.adminKeys = stores.adminKeys();
    this.clients = stores.clients();
    this.audit = audit;
  }

  /** The routes. */
  public List<Route> routes() {
    return List.of(
        Route.of(HttpMethod.GET, "/v1/session", Access.ANYONE, this::get),
        Route.of(HttpMethod.POST, "/v1/session", Access.ANYONE, Route.Body.REQUIRED, this::begin),
        Route.of(HttpMethod.DELETE, "/v1/session", Access.ANYONE, this::end),
        Route.of(HttpMethod.GET, "/v1/sessions", Access.ADMIN, this::list),
        Route.of(HttpMethod.DELETE, "/v1/sessions/{id}", Access.ADMIN, this::endOther));
  }

  /** A cookie of a session that has ended is deleted with the answer. */
  private Answer get(Call call) {
    boolean isEnded = call.caller() instanceof Caller.Anonymous && Sessions.isOf(call.headers());
    Answer answer = Answer.ok(json(call.caller()));
    return isEnded
        ? sessions
            .cleared(call.headers())
            .map(cookie -> answer.with(SET_COOKIE, cookie))
            .orElse(answer)
        : answer;
  }

  private Answer begin(Call call) {
    Faults faults = new Faults();
    Fields fields = call.fields(faults);
    String key = fields.text("key");
    if (key == null || key.isEmpty()) {
      fields.missing("key", "an admin key, or an API key of a client");
    }
    fields.done();
    faults.raise();
    Optional<Sessions.Begun> begun = sessions.begin(key == null ? "" : key.strip());
    if (begun.isEmpty()) {
      LOG.atWarn()
          .addKeyValue("address", call.from().getHostAddress())
          .addKeyValue("request_id", call.id())
          .log("A sign-in to the dashboard with an invalid key");
      delay();
      throw new Refusal(
          credentials.isAdminPossible()
              ? Problem.unauthenticated("The API key is invalid.")
              : Problem.unauthenticated(
                  "The API key is invalid. ADMIN_API_KEY is not set on this server."));
    }
    return Answer.json(HttpStatus.CREATED, json(begun.get().caller()))
        .with(SET_COOKIE, begun.get().cookie());
  }

  private static void delay() {
    CompletableFuture.runAsync(
            () -> {}, CompletableFuture.delayedExecutor(WRONG_KEY_MILLIS, TimeUnit.MILLISECONDS))
        .join();
  }

  private Answer end(Call call) {
    return Answer.noContent().with(SET_COOKIE, sessions.end(call.headers()));
  }

  private byte[] json(Caller caller) {
    return JsonOut.object(out -> {
      switch (credentials.effective(caller)) {
        case Caller.Admin(String name, boolean readOnly) ->
            write(out, "admin", name, null, scopes(readOnly));
        case Caller.Keyed keyed ->
            write(
                out,
                "client",
                keyed.shownKey(),
                keyed.clientId(),
                keyed.key().scopes().stream().sorted().map(Scope::word).toList());
        case Caller.Known _, Caller.Scraper _, Caller.Anonymous _ ->
            write(out, null, null, null, List.of());
      }
    });
  }

  private static List<String> scopes(boolean readOnly) {
    return readOnly
        ? List.of(Scope.READ.word())
        : Scope.ALL.stream().sorted().map(Scope::word).toList();
  }

  private static void write(
      JsonOut out,
      @Nullable String role,
      @Nullable String key,
      @Nullable String clientId,
      List<String> scopes)
      throws IOException {
    out.text("role", role);
    out.text("key", key);
    out.text("client_id", clientId);
    out.texts("scopes", scopes);
  }

  private Answer list(Call call) {
    List<Session> open = store.list();
    return Answer.ok(
        JsonOut.object(out ->
            out.array(
                "sessions",
                items -> {
                  for (Session session : open) {
                    Optional<String> key = key(session.holder());
                    if (key.isPresent()) {
                      items.item(item -> {
                        item.text("id", session.id());
                        item.text("key", key.get());
                        item.time("created_time", session.created());
                        item.time("used_time", session.used());
                      });
                    }
                  }
                })));
  }

  /** The name of a key, as in the audit log; empty when it is no longer valid. */
  private Optional<String> key(Holder holder) {
    return switch (holder.kind()) {
      case ROOT -> Optional.of(AdminKey.ROOT);
      case ADMIN -> adminKeys.find(holder.key()).map(AdminKey::name);
      case CLIENT ->
          clients.keyOwner(holder.key()).map(owner -> new Caller.Keyed(owner).shownKey());
    };
  }

  private Answer endOther(Call call) {
    String id = call.param(0);
    if (id.length() != SessionStore.ID_LENGTH || !store.endById(id)) {
      throw new Refusal(Missing.session(id));
    }
    audit.tell(call, "session ended", "session", id);
    return Answer.noContent();
  }
}
