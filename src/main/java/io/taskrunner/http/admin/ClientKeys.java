package io.taskrunner.http.admin;

import com.linecorp.armeria.common.HttpMethod;
import io.taskrunner.client.ApiKey;
import io.taskrunner.client.Scope;
import io.taskrunner.http.call.Access;
import io.taskrunner.http.call.Answer;
import io.taskrunner.http.call.Audit;
import io.taskrunner.http.call.Call;
import io.taskrunner.http.call.Faults;
import io.taskrunner.http.call.Fields;
import io.taskrunner.http.call.JsonOut;
import io.taskrunner.http.call.Missing;
import io.taskrunner.http.call.Refusal;
import io.taskrunner.http.call.Route;
import io.taskrunner.store.ClientStore;
import io.taskrunner.store.ClientStore.KeyOwner;
import io.taskrunner.store.QueueSettings;
import java.security.SecureRandom;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** The calls under {@code /admin/clients/{id}/keys}. */
public final class ClientKeys {

  private static final String NAME_FORM = "1 to 64 of A-Z a-z 0-9 _ -";

  private final ClientStore clients;
  private final Audit audit;
  private final SecureRandom random = new SecureRandom();

  /** Over a store; logs changes. */
  public ClientKeys(ClientStore clients, Audit audit) {
    this.clients = clients;
    this.audit = audit;
  }

  /** The routes. */
  public List<Route> routes() {
    String all = "/admin/clients/{id}/keys";
    return List.of(
        Route.of(HttpMethod.POST, all, Access.ADMIN, Route.Body.OPTIONAL, this::add),
        Route.of(HttpMethod.GET, all, Access.ADMIN, this::list),
        Route.of(HttpMethod.DELETE, all + "/{key_id}", Access.ADMIN, this::revoke));
  }

  private Answer add(Call call) {
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
            .orElseThrow(() -> new Refusal(Missing.client(id)));
    audit.tell(
        call,
        "key created",
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

  /** The scopes of a key: at least one, each once; all scopes by default. */
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

  private Answer list(Call call) {
    List<KeyOwner> keys =
        clients.keys(call.param(0)).orElseThrow(() -> new Refusal(Missing.client(call.param(0))));
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

  private Answer revoke(Call call) {
    switch (clients.revokeKey(call.param(0), call.param(1))) {
      case DONE ->
          audit.tell(call, "key revoked", "client_id", call.param(0), "key_id", call.param(1));
      case CLIENT_NOT_FOUND -> throw new Refusal(Missing.client(call.param(0)));
      case KEY_NOT_FOUND -> throw new Refusal(Missing.key(call.param(0), call.param(1)));
    }
    return Answer.noContent();
  }
}
