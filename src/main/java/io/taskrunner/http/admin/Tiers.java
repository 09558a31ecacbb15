package io.taskrunner.http.admin;

import com.linecorp.armeria.common.HttpMethod;
import io.taskrunner.client.Limits;
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
import io.taskrunner.store.ConfigStore;
import io.taskrunner.store.ConfigStore.Thing;
import io.taskrunner.store.Expected;
import io.taskrunner.store.QueueSettings;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The calls under {@code /admin/tiers}. */
public final class Tiers {

  /** Where tiers are in the document of the whole configuration. */
  static final String SECTION = "tiers";

  private final ClientStore clients;
  private final Audit audit;

  /** Over a store; changes are told to the log. */
  public Tiers(ClientStore clients, Audit audit) {
    this.clients = clients;
    this.audit = audit;
  }

  /** The routes. */
  public List<Route> routes() {
    return List.of(
        Route.of(HttpMethod.GET, "/admin/tiers", Access.ADMIN, this::list),
        Route.of(HttpMethod.GET, "/admin/tiers/{name}", Access.ADMIN, this::get),
        Route.of(
            HttpMethod.PUT, "/admin/tiers/{name}", Access.ADMIN, Route.Body.REQUIRED, this::put),
        Route.of(HttpMethod.DELETE, "/admin/tiers/{name}", Access.ADMIN, this::delete));
  }

  /** Tiers in the document of the whole configuration. */
  public ConfigKind kind() {
    return new TierKind();
  }

  private final class TierKind implements ConfigKind {
    @Override
    public String section() {
      return SECTION;
    }

    @Override
    public Page items(int most, @Nullable String cursor) {
      SortedMap<String, Item> items = new TreeMap<>();
      for (Tier tier : clients.tiers()) {
        items.put(tier.name(), new Item(out -> Tiers.write(out, tier), tier.revision(), true));
      }
      return Page.of(items, most, cursor);
    }

    @Override
    public @Nullable Wanted read(String name, Fields entry) {
      int faults = entry.faults().list().size();
      if (!QueueSettings.NAME.matcher(name).matches()) {
        entry.wrongName("1 to 64 of A-Z a-z 0-9 _ -");
      }
      Limits limits = new Limits(limit(entry, "max_concurrent"), limit(entry, "requests_per_min"));
      entry.done();
      if (entry.faults().list().size() > faults) {
        return null;
      }
      Tier tier = new Tier(name, limits);
      return new Wanted() {
        @Override
        public JsonOut.Members settings() {
          return out -> Tiers.write(out, tier);
        }

        @Override
        public void apply(Expected expected) throws ChangedMeanwhile {
          clients.putTier(tier, expected);
        }
      };
    }

    @Override
    public Thing thing(String name) {
      return new Thing(ConfigStore.Kind.TIER, name);
    }

    @Override
    public boolean isBuiltIn(String name) {
      return Tier.isBuiltIn(name);
    }

    @Override
    public boolean delete(String name, Expected expected) throws ChangedMeanwhile {
      return clients.deleteTier(name, expected) != ClientStore.TierDeleted.IN_USE;
    }
  }

  private Answer list(Call call) {
    List<Tier> tiers = clients.tiers();
    return Answer.ok(
        JsonOut.object(out ->
            out.object(
                "tiers",
                named -> {
                  for (Tier tier : tiers) {
                    named.object(tier.name(), limits -> write(limits, tier));
                  }
                })));
  }

  private Answer get(Call call) {
    Tier tier = existing(call.param(0));
    return Answer.ok(json(tier)).tagged(current(tier));
  }

  private Tier existing(String name) {
    return find(name).orElseThrow(() -> new Refusal(Problem.tierNotFound()));
  }

  private Optional<Tier> find(String name) {
    return clients.tiers().stream().filter(tier -> tier.name().equals(name)).findAny();
  }

  /** As {@code ETag} and {@code If-Match} see it: its name and limits. */
  private static Precondition.Current current(Tier tier) {
    return Precondition.Current.of(tier.revision(), json(tier));
  }

  private Answer put(Call call) {
    Faults faults = new Faults();
    String name = call.param(0);
    if (!QueueSettings.NAME.matcher(name).matches()) {
      faults.add(
          Fault.parameter(
              "name", "name: " + Fields.shown(name) + " (expected: 1 to 64 of A-Z a-z 0-9 _ -)"));
    }
    Fields fields = call.fields(faults);
    int concurrent = limit(fields, "max_concurrent");
    int perMin = limit(fields, "requests_per_min");
    fields.done();
    Precondition precondition = Precondition.of(call.headers(), faults);
    faults.raise();
    Tier tier = new Tier(name, new Limits(concurrent, perMin));
    Optional<Changes.Version> before = find(name).map(Tiers::version);
    precondition.<Boolean>change(
        () -> find(name).map(Tiers::current),
        expected -> {
          clients.putTier(tier, expected);
          return true;
        });
    audit.tell(call, "tier set", "tier", name, Changes.between(before, version(tier)));
    Tier set = existing(name);
    return Answer.ok(json(set)).tagged(current(set));
  }

  private static Changes.Version version(Tier tier) {
    return Changes.Version.of(out -> write(out, tier));
  }

  private static byte[] json(Tier tier) {
    return JsonOut.object(out -> {
      out.text("name", tier.name());
      write(out, tier);
    });
  }

  /** A limit that must be there; 0 when it is not, which is told as a fault. */
  private static int limit(Fields fields, String name) {
    if (!fields.has(name)) {
      fields.missing(name, "a whole number from 1 to " + Limits.MAX);
    }
    Integer limit = fields.integer(name, 1, Limits.MAX);
    return limit == null ? 0 : limit;
  }

  private Answer delete(Call call) {
    Faults faults = new Faults();
    Precondition precondition = Precondition.of(call.headers(), faults);
    faults.raise();
    String name = call.param(0);
    if (Tier.isBuiltIn(name)) {
      throw new Refusal(Problem.builtIn("tier"));
    }
    existing(name);
    switch (precondition.change(
        () -> find(name).map(Tiers::current), expected -> clients.deleteTier(name, expected))) {
      case DONE -> audit.tell(call, "tier deleted", "tier", name);
      case NOT_FOUND -> throw new Refusal(Problem.tierNotFound());
      case BUILT_IN -> throw new Refusal(Problem.builtIn("tier"));
      case IN_USE -> throw new Refusal(Problem.tierInUse());
    }
    return Answer.noContent();
  }

  private static void write(JsonOut out, Tier tier) throws IOException {
    out.number("max_concurrent", tier.limits().maxConcurrent());
    out.number("requests_per_min", tier.limits().requestsPerMin());
  }
}
