package io.taskrunner.http.admin;

import com.linecorp.armeria.common.HttpMethod;
import io.taskrunner.client.AdminKey;
import io.taskrunner.client.ApiKey;
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
import io.taskrunner.store.AdminKeyStore;
import io.taskrunner.store.QueueSettings;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The calls under {@code /admin/keys}: named keys of admins. */
public final class AdminKeys {

  private static final long KEEP_MAX_SECONDS = 30L * 86_400;

  private static final String NAME_FORM = "1 to 64 of A-Z a-z 0-9 _ -";

  private final AdminKeyStore keys;
  private final Audit audit;
  private final SecureRandom random = new SecureRandom();

  /** Over a store; logs changes. */
  public AdminKeys(AdminKeyStore keys, Audit audit) {
    this.keys = keys;
    this.audit = audit;
  }

  /** The routes. */
  public List<Route> routes() {
    return List.of(
        Route.of(HttpMethod.GET, "/admin/keys", Access.ADMIN, this::list),
        Route.of(HttpMethod.POST, "/admin/keys", Access.ADMIN, Route.Body.REQUIRED, this::make),
        Route.of(HttpMethod.DELETE, "/admin/keys/{name}", Access.ADMIN, this::revoke));
  }

  private Answer list(Call call) {
    List<AdminKey> all = keys.list();
    return Answer.ok(
        JsonOut.object(out ->
            out.array(
                "keys",
                items -> {
                  for (AdminKey key : all) {
                    items.item(item -> {
                      item.text("name", key.name());
                      item.flag("read_only", key.readOnly());
                      item.time("created_at", key.created());
                      item.text("ends_at", key.ends().map(Times::text).orElse(null));
                    });
                  }
                })));
  }

  private Answer make(Call call) {
    Faults faults = new Faults();
    Fields fields = call.fields(faults);
    if (!fields.has("name")) {
      fields.missing("name", NAME_FORM);
    }
    String given = fields.text("name", QueueSettings.NAME, NAME_FORM);
    if (given != null && AdminKey.RESERVED.contains(given)) {
      fields.fault(
          "name", given, "a name other than " + AdminKey.ROOT + " and " + AdminKey.LOOPBACK);
    }
    Boolean readOnly = fields.flag("read_only");
    boolean replace = Boolean.TRUE.equals(fields.flag("replace"));
    if (fields.has("keep_sec") && !replace) {
      fields.fault("keep_sec", "not allowed without replace (expected: replace: true)");
    }
    Duration keep = fields.seconds("keep_sec", false, KEEP_MAX_SECONDS);
    fields.done();
    faults.raise();
    String name = given == null ? "" : given;
    String key = AdminKey.make(random);
    String digest = ApiKey.digest(key);
    switch (keys.put(name, digest, readOnly, replace, keep == null ? Duration.ZERO : keep)) {
      case EXISTS -> throw new Refusal(Problem.keyExists(name));
      case FULL -> throw new Refusal(Problem.tooManyKeys(AdminKeyStore.MAX));
      case MADE -> tell(call, "admin key created", name, digest, null);
      case REPLACED -> tell(call, "admin key replaced", name, digest, keep);
    }
    byte[] json =
        JsonOut.object(out -> {
          out.text("name", name);
          out.text("key", key);
          out.flag("read_only", isReadOnly(digest));
        });
    return Answer.created(json).with("cache-control", "no-store");
  }

  private void tell(Call call, String what, String name, String digest, @Nullable Duration keep) {
    List<String> details =
        new ArrayList<>(List.of("name", name, "read_only", Boolean.toString(isReadOnly(digest))));
    if (keep != null) {
      details.addAll(List.of("old_key_valid_sec", Long.toString(keep.toSeconds())));
    }
    audit.tell(call, what, details.toArray(String[]::new));
  }

  /** A key that replaces another may inherit this from it. */
  private boolean isReadOnly(String digest) {
    return keys.find(digest).map(AdminKey::readOnly).orElse(false);
  }

  private Answer revoke(Call call) {
    String name = call.param(0);
    if (!keys.delete(name)) {
      throw new Refusal(Missing.adminKey(name));
    }
    audit.tell(call, "admin key revoked", "name", name);
    return Answer.noContent();
  }
}
