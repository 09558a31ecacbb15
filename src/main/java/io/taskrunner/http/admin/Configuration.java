package io.taskrunner.http.admin;

import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.HttpStatus;
import io.taskrunner.http.call.Access;
import io.taskrunner.http.call.Answer;
import io.taskrunner.http.call.Audit;
import io.taskrunner.http.call.Call;
import io.taskrunner.http.call.Changes;
import io.taskrunner.http.call.Fault;
import io.taskrunner.http.call.Faults;
import io.taskrunner.http.call.Fields;
import io.taskrunner.http.call.Json;
import io.taskrunner.http.call.JsonOut;
import io.taskrunner.http.call.Kind;
import io.taskrunner.http.call.Kind.Wanted;
import io.taskrunner.http.call.Precondition;
import io.taskrunner.http.call.Problem;
import io.taskrunner.http.call.Refusal;
import io.taskrunner.http.call.Route;
import io.taskrunner.http.call.Shown;
import io.taskrunner.store.ConfigStore;
import io.taskrunner.store.ConfigStore.Thing;
import io.taskrunner.store.Expected;
import java.io.IOException;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * {@code /admin/config}: all settings of admins (no keys, no secrets) as one document, to read and
 * to apply. A document is checked completely before anything is changed, and its changes are
 * decided atomically.
 */
public final class Configuration {

  /**
   * Names and texts in the audit trail; the created, updated and deleted things are always there.
   */
  private static final int DETAILS_MAX = 200;

  private final List<Kind<?, ?>> kinds;
  private final ConfigExport export;
  private final ConfigStore store;
  private final Audit audit;

  /**
   * Over things of these kinds; logs changes.
   *
   * @param kinds in the order of creation: kinds that others name come first
   */
  public Configuration(List<Kind<?, ?>> kinds, ConfigStore store, Audit audit) {
    this.kinds = List.copyOf(kinds);
    this.export = new ConfigExport(this.kinds);
    this.store = store;
    this.audit = audit;
  }

  /** The routes. */
  public List<Route> routes() {
    return List.of(
        Route.of(HttpMethod.GET, "/admin/config", Access.ADMIN, export::get)
            .taking("format", "limit", "cursor"),
        Route.of(HttpMethod.POST, "/admin/config", Access.ADMIN, Route.Body.DOCUMENT, this::apply)
            .taking("dry_run", "prune"));
  }

  /**
   * The current state of a thing, in few bytes.
   *
   * @param exact represents its settings
   * @param tier of a client
   * @param version its settings, when the document names it
   */
  private record Seen(
      String exact, boolean isEmpty, String tier, Optional<Changes.Version> version) {}

  /**
   * The current state of all things of all kinds.
   *
   * @param last the latest revision; read first, so that concurrent changes are detected
   */
  private record Now(
      Map<String, SortedMap<String, Seen>> sections, long last, Precondition.Current current) {}

  private Now read(Map<Kind<?, ?>, Map<String, Wanted<?>>> wanted) {
    long last = store.lastRevision();
    MessageDigest tag = ConfigExport.tag();
    Map<String, SortedMap<String, Seen>> sections = new LinkedHashMap<>();
    for (Kind<?, ?> kind : kinds) {
      SortedMap<String, Seen> things = new TreeMap<>();
      Map<String, Wanted<?>> named = wanted.getOrDefault(kind, Map.of());
      boolean clients = kind.section().equals(Clients.SECTION);
      ConfigExport.each(
          kind,
          tag,
          (item, settings) ->
              things.put(
                  item.name(),
                  new Seen(
                      exact(item.version()),
                      item.isEmpty(),
                      clients ? tierOf(settings) : "",
                      Optional.of(item.version()).filter(_ -> named.containsKey(item.name())))));
      sections.put(kind.section(), things);
    }
    return new Now(sections, last, ConfigExport.current(tag));
  }

  private static String exact(Changes.Version version) {
    return Precondition.etag(0, JsonOut.object(version.exact()));
  }

  /** The result of a document in one section. */
  private static final class Plan {
    private final Kind<?, ?> kind;
    private final SortedMap<String, Wanted<?>> created = new TreeMap<>();
    private final SortedMap<String, Wanted<?>> updated = new TreeMap<>();
    private final SortedMap<String, Changes.Version> before = new TreeMap<>();
    private final List<String> deleted = new ArrayList<>();
    private int unchanged;

    private Plan(Kind<?, ?> kind) {
      this.kind = kind;
    }

    private boolean isEmpty() {
      return created.isEmpty() && updated.isEmpty() && deleted.isEmpty();
    }

    private void addTo(List<Thing> things) {
      created.keySet().forEach(name -> things.add(new Thing(kind.stored(), name)));
      updated.keySet().forEach(name -> things.add(new Thing(kind.stored(), name)));
      deleted.forEach(name -> things.add(new Thing(kind.stored(), name)));
    }
  }

  private Answer apply(Call call) {
    Faults faults = new Faults();
    Call.Query query = call.query(faults);
    boolean dryRun = query.flag("dry_run");
    boolean prune = query.flag("prune");
    Precondition precondition = Precondition.of(call.headers(), faults);
    Fields document = call.fields(faults);
    document.nullIsAbsent("version");
    document.longInteger("version", ConfigExport.VERSION, ConfigExport.VERSION);
    Map<Kind<?, ?>, Map<String, Wanted<?>>> wanted = new LinkedHashMap<>();
    for (Kind<?, ?> kind : kinds) {
      document.nullIsAbsent(kind.section());
      Fields section = document.object(kind.section());
      if (section != null) {
        wanted.put(kind, entries(kind, section));
      }
    }
    document.done();
    if (precondition.absent()) {
      faults.add(
          Fault.header(
              "If-None-Match",
              "If-None-Match: the configuration always exists (expected: If-Match)"));
    }
    faults.raise();
    Now now = read(wanted);
    List<Plan> plans = plans(wanted, now, prune, faults);
    faults.raise();
    List<String> warnings = warnings(wanted);
    if (precondition.isGiven() && !precondition.holds(now.current())) {
      throw new Refusal(precondition.failure(Optional.of(now.current())));
    }
    if (dryRun) {
      return Answer.ok(json(plans, warnings, true));
    }
    if (plans.stream().anyMatch(plan -> !plan.isEmpty())) {
      carryOut(plans, precondition.isGiven() ? OptionalLong.of(now.last()) : OptionalLong.empty());
      audit.tell(call, "config applied", told(plans));
    }
    MessageDigest tag = ConfigExport.tag();
    kinds.forEach(kind -> ConfigExport.each(kind, tag, (_, _) -> {}));
    return Answer.ok(json(plans, warnings, false)).tagged(ConfigExport.current(tag));
  }

  private static Map<String, Wanted<?>> entries(Kind<?, ?> kind, Fields section) {
    Map<String, Wanted<?>> entries = new LinkedHashMap<>();
    section
        .rest()
        .forEach((name, value) -> {
          if (value != Json.NULL && !(value instanceof Map<?, ?>)) {
            section.fault(name, value, "an object");
            return;
          }
          Map<String, Object> members =
              value == Json.NULL ? new LinkedHashMap<>() : Fields.asObject(value);
          Wanted<?> one =
              kind.wanted(name, new Fields(members, section.pointer(name), section.faults()));
          if (one != null) {
            entries.put(name, one);
          }
        });
    return entries;
  }

  private List<Plan> plans(
      Map<Kind<?, ?>, Map<String, Wanted<?>>> wanted, Now now, boolean prune, Faults faults) {
    List<Plan> plans = new ArrayList<>();
    wanted.forEach((kind, entries) -> {
      Plan plan = new Plan(kind);
      SortedMap<String, Seen> there = section(now, kind.section());
      entries.forEach((name, one) -> {
        Seen item = there.get(name);
        if (item == null) {
          plan.created.put(name, one);
        } else if (item.exact().equals(exact(one.version()))) {
          plan.unchanged++;
        } else {
          plan.updated.put(name, one);
          plan.before.put(name, item.version().orElseThrow());
        }
      });
      there.forEach((name, item) -> {
        if (prune && !entries.containsKey(name) && !kind.isBuiltIn(name)) {
          plan.deleted.add(name);
          if (!item.isEmpty()) {
            faults.add(
                Fault.body(
                    "/" + kind.section(),
                    kind.section()
                        + ": "
                        + Shown.of(name)
                        + " has tasks and cannot be pruned (expected: named in the document, or empty)"));
          }
        }
      });
      plans.add(plan);
    });
    checkTiers(plans, now, faults);
    Map<String, Set<String>> names = new TreeMap<>();
    now.sections().forEach((section, items) -> names.put(section, new TreeSet<>(items.keySet())));
    for (Plan plan : plans) {
      Set<String> ofKind = names.computeIfAbsent(plan.kind.section(), _ -> new TreeSet<>());
      ofKind.addAll(plan.created.keySet());
      plan.deleted.forEach(ofKind::remove);
    }
    wanted.forEach((kind, entries) ->
        entries.forEach((name, one) -> {
          Fields section = new Fields(new LinkedHashMap<>(), "/" + kind.section(), faults);
          one.check(names, new Fields(new LinkedHashMap<>(), section.pointer(name), faults));
        }));
    return plans;
  }

  /** No client may lose its tier. */
  private static void checkTiers(List<Plan> plans, Now now, Faults faults) {
    Set<String> lost = new TreeSet<>();
    Map<String, String> kept = new TreeMap<>();
    section(now, Clients.SECTION).forEach((id, item) -> kept.put(id, item.tier()));
    for (Plan plan : plans) {
      if (plan.kind.section().equals(Tiers.SECTION)) {
        lost.addAll(plan.deleted);
      } else if (plan.kind.section().equals(Clients.SECTION)) {
        kept.keySet().removeAll(plan.deleted);
        kept.keySet().removeAll(plan.updated.keySet());
      }
    }
    kept.forEach((id, tier) -> {
      if (lost.contains(tier)) {
        faults.add(
            Fault.body(
                "/" + Tiers.SECTION,
                "tiers: "
                    + Shown.of(tier)
                    + " is the tier of client "
                    + Shown.of(id)
                    + " and cannot be pruned (expected: named in the document, or without clients)"));
      }
    });
  }

  private static SortedMap<String, Seen> section(Now now, String name) {
    return now.sections().getOrDefault(name, Collections.emptySortedMap());
  }

  private static String tierOf(byte[] settings) {
    return String.valueOf(
        Json.object(settings, ConfigExport.VALUES_MAX).getOrDefault("tier", "default"));
  }

  /**
   * Creates and updates, kinds that others name first; then deletes in the reverse order. An entry
   * that another call changed after the decision keeps that change.
   */
  private void carryOut(List<Plan> plans, OptionalLong last) {
    List<Thing> things = new ArrayList<>();
    plans.forEach(plan -> plan.addTo(things));
    Precondition.or412(() -> {
      Expected decided = new Expected.Decided(store.decide(things, last));
      for (Plan plan : plans) {
        for (SortedMap<String, Wanted<?>> some : List.of(plan.created, plan.updated)) {
          for (Wanted<?> one : some.values()) {
            one.apply(decided);
          }
        }
      }
      for (Plan plan : plans.reversed()) {
        for (String name : plan.deleted) {
          Optional<Problem> kept = plan.kind.delete(name, decided);
          if (kept.isPresent() && kept.get().status() != HttpStatus.NOT_FOUND) {
            throw new Refusal(Problem.notPruned(plan.kind.section(), name));
          }
        }
      }
      return true;
    });
  }

  private static String[] told(List<Plan> plans) {
    List<String> details = new ArrayList<>();
    for (Plan plan : plans) {
      Map<String, Iterable<String>> did = new LinkedHashMap<>();
      did.put("created", plan.created.keySet());
      did.put("updated", plan.updated.keySet());
      did.put("deleted", plan.deleted);
      did.forEach((what, names) -> {
        if (names.iterator().hasNext()) {
          details.add(plan.kind.section() + "_" + what);
          details.add(String.join(" ", names));
        }
      });
      plan.updated.forEach((name, one) -> {
        if (details.size() < DETAILS_MAX) {
          List<String> changes =
              Changes.between(Optional.ofNullable(plan.before.get(name)), one.version());
          for (int i = 0; i < changes.size(); i += 2) {
            details.add(plan.kind.section() + "." + name + "." + changes.get(i));
            details.add(changes.get(i + 1));
          }
        }
      });
    }
    return details.toArray(String[]::new);
  }

  private static List<String> warnings(Map<Kind<?, ?>, Map<String, Wanted<?>>> wanted) {
    List<String> all = new ArrayList<>();
    wanted.forEach((kind, entries) ->
        entries.forEach((name, one) ->
            one.warnings()
                .forEach(warning -> all.add(kind.section() + "." + name + ": " + warning))));
    return all;
  }

  /** The old and new values of what was updated. */
  private static void fields(JsonOut out, Plan plan) throws IOException {
    for (Map.Entry<String, Wanted<?>> each : plan.updated.entrySet()) {
      List<String> changes =
          Changes.between(
              Optional.ofNullable(plan.before.get(each.getKey())), each.getValue().version());
      out.object(
          each.getKey(),
          entry -> {
            for (int i = 0; i < changes.size(); i += 2) {
              entry.text(changes.get(i), changes.get(i + 1));
            }
          });
    }
  }

  private static byte[] json(List<Plan> plans, List<String> warnings, boolean dryRun) {
    return JsonOut.object(out -> {
      out.flag("dry_run", dryRun);
      if (!warnings.isEmpty()) {
        out.texts("warnings", warnings);
      }
      out.object(
          "changes",
          changes -> {
            for (Plan plan : plans) {
              changes.object(
                  plan.kind.section(),
                  section -> {
                    section.texts("created", List.copyOf(plan.created.keySet()));
                    section.texts("updated", List.copyOf(plan.updated.keySet()));
                    section.texts("deleted", plan.deleted);
                    section.number("unchanged", (long) plan.unchanged);
                    if (!plan.updated.isEmpty()) {
                      section.object("changed_fields", fields -> fields(fields, plan));
                    }
                  });
            }
          });
    });
  }
}
