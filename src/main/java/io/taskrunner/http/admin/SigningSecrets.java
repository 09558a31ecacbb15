package io.taskrunner.http.admin;

import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.HttpStatus;
import io.taskrunner.client.SigningSecret;
import io.taskrunner.http.call.Access;
import io.taskrunner.http.call.Answer;
import io.taskrunner.http.call.Audit;
import io.taskrunner.http.call.Call;
import io.taskrunner.http.call.Faults;
import io.taskrunner.http.call.Fields;
import io.taskrunner.http.call.JsonOut;
import io.taskrunner.http.call.Missing;
import io.taskrunner.http.call.Problem;
import io.taskrunner.http.call.Refusal;
import io.taskrunner.http.call.Route;
import io.taskrunner.http.call.Times;
import io.taskrunner.store.ClientStore;
import io.taskrunner.store.SigningStore;
import io.taskrunner.store.SigningStore.Held;
import io.taskrunner.store.SigningStore.Put;
import io.taskrunner.store.SigningStore.Signing;
import java.io.IOException;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The calls on a client's signing secret. A secret is returned once, to the caller that created it.
 */
public final class SigningSecrets {

  private static final String PATH = "/admin/clients/{id}/signing-secret";

  private static final Pattern TYPE = Pattern.compile("hmac|ed25519");

  private final ClientStore clients;
  private final SigningStore secrets;
  private final Audit audit;
  private final SecureRandom random = new SecureRandom();

  /** Over a store; logs changes. */
  public SigningSecrets(ClientStore clients, SigningStore secrets, Audit audit) {
    this.clients = clients;
    this.secrets = secrets;
    this.audit = audit;
  }

  /** The routes. */
  public List<Route> routes() {
    return List.of(
        Route.of(HttpMethod.GET, PATH, Access.ADMIN, this::get),
        Route.of(HttpMethod.PUT, PATH, Access.ADMIN, Route.Body.OPTIONAL, this::put),
        Route.of(HttpMethod.DELETE, PATH, Access.ADMIN, this::end));
  }

  private Answer get(Call call) {
    String id = call.param(0);
    Optional<Held> held = secrets.held(id);
    if (held.isEmpty()) {
      throw new Refusal(clients.get(id).isEmpty() ? Missing.client(id) : Missing.signingSecret(id));
    }
    List<Signing> all = held.get().secrets();
    return Answer.ok(
        JsonOut.object(out -> {
          Signing youngest = all.getFirst();
          write(out, youngest);
          List<Signing> previous = all.subList(1, all.size());
          optional(
              out,
              "previous_valid_until",
              previous.isEmpty() ? Optional.empty() : previous.getFirst().until());
          out.array(
              "previous",
              items -> {
                for (Signing one : previous) {
                  items.item(item -> {
                    write(item, one);
                    optional(item, "valid_until", one.until());
                  });
                }
              });
        }));
  }

  /** All facts about a secret that may be shown. */
  private static void write(JsonOut out, Signing signing) throws IOException {
    out.text("type", signing.secret().type().word());
    out.text("public_key", signing.secret().publicKey().orElse(null));
    out.time("created_at", signing.created());
  }

  private static void optional(JsonOut out, String name, Optional<Instant> time)
      throws IOException {
    out.text(name, time.map(Times::text).orElse(null));
  }

  private Answer put(Call call) {
    Faults faults = new Faults();
    Fields fields = call.fields(faults);
    String word = fields.text("type", TYPE, "hmac or ed25519");
    fields.done();
    faults.raise();
    SigningSecret.Type type =
        word == null
            ? SigningSecret.Type.HMAC
            : SigningSecret.Type.ofWord(word).orElse(SigningSecret.Type.HMAC);
    SigningSecret secret = SigningSecret.make(type, random);
    Optional<Instant> previousUntil =
        switch (secrets.put(call.param(0), secret)) {
          case Put.Done(Optional<Instant> until) -> until;
          case Put.ClientNotFound _ -> throw new Refusal(Missing.client(call.param(0)));
          case Put.TooMany(Instant until) ->
              throw new Refusal(
                  Problem.tooManySigningSecrets(call.param(0), SigningSecret.MOST, until));
        };
    audit.tell(
        call,
        previousUntil.isEmpty() ? "signing secret created" : "signing secret rotated",
        "client_id",
        call.param(0),
        "type",
        type.word());
    byte[] json =
        JsonOut.object(out -> {
          out.text("type", type.word());
          out.text("secret", secret.text());
          out.text("public_key", secret.publicKey().orElse(null));
          optional(out, "previous_valid_until", previousUntil);
        });
    return Answer.json(previousUntil.isEmpty() ? HttpStatus.CREATED : HttpStatus.OK, json)
        .with("cache-control", "no-store");
  }

  private Answer end(Call call) {
    switch (secrets.end(call.param(0))) {
      case DONE -> audit.tell(call, "signing secret deleted", "client_id", call.param(0));
      case CLIENT_NOT_FOUND -> throw new Refusal(Missing.client(call.param(0)));
      case NOT_FOUND -> throw new Refusal(Missing.signingSecret(call.param(0)));
    }
    return Answer.noContent();
  }
}
