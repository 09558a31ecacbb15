package io.taskrunner.http.admin;

import com.linecorp.armeria.common.HttpMethod;
import io.taskrunner.client.Limits;
import io.taskrunner.client.Tier;
import io.taskrunner.http.call.Access;
import io.taskrunner.http.call.Answer;
import io.taskrunner.http.call.Audit;
import io.taskrunner.http.call.Call;
import io.taskrunner.http.call.Fields;
import io.taskrunner.http.call.JsonOut;
import io.taskrunner.http.call.Kind;
import io.taskrunner.http.call.Missing;
import io.taskrunner.http.call.Problem;
import io.taskrunner.http.call.Route;
import io.taskrunner.http.call.Things;
import io.taskrunner.store.ChangedMeanwhile;
import io.taskrunner.store.ClientStore;
import io.taskrunner.store.ConfigStore;
import io.taskrunner.store.Expected;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Tiers, and the calls under {@code /admin/tiers}. */
public final class Tiers implements Kind<Tier, Limits> {

  /** The section of tiers in the document of the entire configuration. */
  static final String SECTION = "tiers";

  private final ClientStore clients;
  private final Things<Tier, Limits> tiers;

  /** Over a store; logs changes. */
  public Tiers(ClientStore clients, Audit audit) {
    this.clients = clients;
    this.tiers = new Things<>(this, audit);
  }

  /** The routes. */
  public List<Route> routes() {
    String one = "/admin/tiers/{name}";
    return List.of(
        Route.of(HttpMethod.GET, "/admin/tiers", Access.ADMIN, this::list),
        Route.of(HttpMethod.GET, one, Access.ADMIN, tiers::get),
        Route.of(HttpMethod.PUT, one, Access.ADMIN, Route.Body.REQUIRED, tiers::put),
        Route.of(HttpMethod.DELETE, one, Access.ADMIN, tiers::delete));
  }

  private Answer list(Call call) {
    List<Tier> all = clients.tiers();
    return Answer.ok(
        JsonOut.object(out ->
            out.object(
                "tiers",
                named -> {
                  for (Tier tier : all) {
                    named.object(tier.name(), limits -> write(limits, tier.limits()));
                  }
                })));
  }

  @Override
  public ConfigStore.Kind stored() {
    return ConfigStore.Kind.TIER;
  }

  @Override
  public Problem notFound(String name) {
    return Missing.tier(name);
  }

  @Override
  public boolean isBuiltIn(String name) {
    return Tier.isBuiltIn(name);
  }

  @Override
  public Limits read(String name, Fields fields) {
    Limits limits = new Limits(limit(fields, "max_concurrent"), limit(fields, "requests_per_min"));
    fields.done();
    return limits;
  }

  /** A required limit; 0 when it is absent, which is reported as an error. */
  private static int limit(Fields fields, String name) {
    if (!fields.has(name)) {
      fields.missing(name, "a whole number from 1 to " + Limits.MAX);
    }
    Integer limit = fields.integer(name, 1, Limits.MAX);
    return limit == null ? 0 : limit;
  }

  @Override
  public void write(JsonOut out, Limits limits) throws IOException {
    out.number("max_concurrent", limits.maxConcurrent());
    out.number("requests_per_min", limits.requestsPerMin());
  }

  @Override
  public State<Limits> state(Tier tier) {
    return new State<>(tier.name(), tier.limits(), tier.revision());
  }

  @Override
  public Optional<Tier> find(String name) {
    return clients.tiers().stream().filter(tier -> tier.name().equals(name)).findAny();
  }

  @Override
  public Page<Tier> page(int most, @Nullable String cursor) {
    return page(clients.tiers(), most, cursor);
  }

  @Override
  public Put put(String name, Limits limits, Expected expected) throws ChangedMeanwhile {
    clients.putTier(new Tier(name, limits), expected);
    return Put.SET;
  }

  @Override
  public Optional<Problem> delete(String name, Expected expected) throws ChangedMeanwhile {
    return switch (clients.deleteTier(name, expected)) {
      case DONE -> Optional.empty();
      case NOT_FOUND -> Optional.of(notFound(name));
      case BUILT_IN -> Optional.of(Problem.builtIn(word(), name));
      case IN_USE -> Optional.of(Problem.tierInUse(name));
    };
  }
}
