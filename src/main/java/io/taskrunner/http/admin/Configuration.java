package io.taskrunner.http.admin;

import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.HttpStatus;
import io.taskrunner.http.call.Access;
import io.taskrunner.http.call.Answer;
import io.taskrunner.http.call.Audit;
import io.taskrunner.http.call.Call;
import io.taskrunner.http.call.Changes;
import io.taskrunner.http.call.ConfigKind;
import io.taskrunner.http.call.ConfigKind.Item;
import io.taskrunner.http.call.ConfigKind.Wanted;
import io.taskrunner.http.call.Fault;
import io.taskrunner.http.call.Faults;
import io.taskrunner.http.call.Fields;
import io.taskrunner.http.call.Json;
import io.taskrunner.http.call.JsonOut;
import io.taskrunner.http.call.Precondition;
import io.taskrunner.http.call.Problem;
import io.taskrunner.http.call.Refusal;
import io.taskrunner.http.call.Route;
import io.taskrunner.http.call.Yaml;
import io.taskrunner.store.ConfigStore;
import io.taskrunner.store.ConfigStore.Thing;
import io.taskrunner.store.Expected;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * {@code /admin/config}: all that admins set (no keys, no secrets) as one document, to be read and
 * to be applied. A document is checked whole before anything is changed, and its changes are
 * decided as one.
 */
public final class Configuration {

  private static final long VERSION = 1;

  private static final int VALUES_MAX = 1_000_000;

  /** Names and texts in the audit trail; what was created, updated and deleted is always there. */
  private static final int DETAILS_MAX = 200;

  private static final Pattern FORMAT = Pattern.compile("json|yaml");

  private final List<ConfigKind> kinds;
  private final ConfigStore store;
  private final Audit audit;

  /**
   * Over things of these kinds; changes are told to the log.
   *
   * @param kinds in the order in which they are made: what others name comes first
   */
  public Configuration(List<ConfigKind> kinds, ConfigStore store, Audit audit) {
    this.kinds = List.copyOf(kinds);
    this.store = store;
    this.audit = audit;
  }

  /** The routes. */
  public List<Route> routes() {
    return List.of(
        Route.of(HttpMethod.GET, "/admin/config", Access.ADMIN, this::get).taking("format"),
        Route.of(HttpMethod.POST, "/admin/config", Access.ADMIN, Route.Body.DOCUMENT, this::apply)
            .taking("dry_run", "prune"));
  }

  /** All things of all kinds, as they are. */
  private record Now(Map<String, SortedMap<String, Item>> sections, long last) {

    byte[] document() {
      return JsonOut.object(out -> {
        out.number("version", VERSION);
        for (Map.Entry<String, SortedMap<String, Item>> section : sections.entrySet()) {
          out.object(
              section.getKey(),
              entries -> {
                for (Map.Entry<String, Item> item : section.getValue().entrySet()) {
                  entries.object(item.getKey(), item.getValue().settings());
                }
              });
        }
      });
    }

    /** Of all that there is and when it was set; the revision of the whole is not in it. */
    Precondition.Current current() {
      StringBuilder revisions = new StringBuilder();
      sections.forEach((section, items) ->
          items.forEach((name, item) ->
              revisions.append(name).append('=').append(item.revision()).append('\n')));
      byte[] document = document();
      byte[] seen = revisions.toString().getBytes(StandardCharsets.UTF_8);
      byte[] both = Arrays.copyOf(document, document.length + seen.length);
      System.arraycopy(seen, 0, both, document.length, seen.length);
      return Precondition.Current.of(0, both);
    }
  }

  /** Reads everything. The revision first: what changes meanwhile is then found out. */
  private Now read() {
    long last = store.lastRevision();
    Map<String, SortedMap<String, Item>> sections = new LinkedHashMap<>();
    for (ConfigKind kind : kinds) {
      sections.put(kind.section(), kind.items());
    }
    return new Now(sections, last);
  }

  private Answer get(Call call) {
    Faults faults = new Faults();
    String format = call.query(faults).text("format", FORMAT, "json or yaml");
    faults.raise();
    boolean yaml = format == null ? prefersYaml(call) : format.equals("yaml");
    Now now = read();
    byte[] json = now.document();
    Answer answer =
        yaml
            ? new Answer(
                HttpStatus.OK,
                Yaml.MEDIA_TYPE,
                Yaml.write(Json.object(json, VALUES_MAX)),
                List.of())
            : Answer.ok(json);
    return answer.with("etag", now.current().etag(), "vary", "accept");
  }

  private static boolean prefersYaml(Call call) {
    double yaml = 0;
    double json = 0;
    String accepted = String.join(",", call.headers().getAll(HttpHeaderNames.ACCEPT));
    for (String range : accepted.split(",", -1)) {
      String[] parts = range.split(";", -1);
      String type = parts[0].strip().toLowerCase(Locale.ROOT);
      double quality = 1;
      for (int i = 1; i < parts.length; i++) {
        if (parts[i].strip().toLowerCase(Locale.ROOT).matches("q=[01](\\.[0-9]{0,3})?")) {
          quality = Double.parseDouble(parts[i].strip().substring(2));
        }
      }
      if (Yaml.isYaml(type)) {
        yaml = Math.max(yaml, quality);
      } else if (type.equals("application/json")
          || type.equals("application/*")
          || type.equals("*/*")) {
        json = Math.max(json, quality);
      }
    }
    return yaml > 0 && yaml >= json;
  }

  /** What a document comes to in one section. */
  private static final class Plan {
    private final ConfigKind kind;
    private final SortedMap<String, Wanted> created = new TreeMap<>();
    private final SortedMap<String, Wanted> updated = new TreeMap<>();
    private final SortedMap<String, Item> before = new TreeMap<>();
    private final List<String> deleted = new ArrayList<>();
    private int unchanged;

    private Plan(ConfigKind kind) {
      this.kind = kind;
    }

    private boolean isEmpty() {
      return created.isEmpty() && updated.isEmpty() && deleted.isEmpty();
    }

    private void addTo(List<Thing> things) {
      created.keySet().forEach(name -> things.add(kind.thing(name)));
      updated.keySet().forEach(name -> things.add(kind.thing(name)));
      deleted.forEach(name -> things.add(kind.thing(name)));
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
    document.longInteger("version", VERSION, VERSION);
    Map<ConfigKind, Map<String, Wanted>> wanted = new LinkedHashMap<>();
    for (ConfigKind kind : kinds) {
      document.nullIsAbsent(kind.section());
      Fields section = document.object(kind.section());
      if (section != null) {
        wanted.put(kind, entries(kind, section));
      }
    }
    document.done();
    if (precondition.absent()) {
      faults.add(Fault.header("If-None-Match", "If-None-Match: there is always a configuration"));
    }
    faults.raise();
    Now now = read();
    List<Plan> plans = plans(wanted, now, prune, faults);
    faults.raise();
    if (precondition.isGiven() && !precondition.holds(now.current())) {
      throw new Refusal(Problem.preconditionFailed());
    }
    if (dryRun) {
      return Answer.ok(json(plans, true));
    }
    if (plans.stream().anyMatch(plan -> !plan.isEmpty())) {
      carryOut(plans, precondition.isGiven() ? OptionalLong.of(now.last()) : OptionalLong.empty());
      audit.tell(call, "config applied", told(plans));
    }
    return Answer.ok(json(plans, false)).tagged(read().current());
  }

  private static Map<String, Wanted> entries(ConfigKind kind, Fields section) {
    Map<String, Wanted> entries = new LinkedHashMap<>();
    section
        .rest()
        .forEach((name, value) -> {
          if (value != Json.NULL && !(value instanceof Map<?, ?>)) {
            section.fault(name, value, "an object");
            return;
          }
          Map<String, Object> members =
              value == Json.NULL ? new LinkedHashMap<>() : Fields.asObject(value);
          Wanted one =
              kind.read(name, new Fields(members, section.pointer(name), section.faults()));
          if (one != null) {
            entries.put(name, one);
          }
        });
    return entries;
  }

  private List<Plan> plans(
      Map<ConfigKind, Map<String, Wanted>> wanted, Now now, boolean prune, Faults faults) {
    List<Plan> plans = new ArrayList<>();
    wanted.forEach((kind, entries) -> {
      Plan plan = new Plan(kind);
      SortedMap<String, Item> there = section(now, kind.section());
      entries.forEach((name, one) -> {
        Item item = there.get(name);
        if (item == null) {
          plan.created.put(name, one);
        } else if (Arrays.equals(JsonOut.object(item.exact()), JsonOut.object(one.exact()))) {
          plan.unchanged++;
        } else {
          plan.updated.put(name, one);
          plan.before.put(name, item);
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
                        + ": without "
                        + name
                        + ", which has tasks (expected: named, or emptied before it is pruned)"));
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

  /** Every client that is set must have a tier then, and none may lose its own. */
  private static void checkTiers(List<Plan> plans, Now now, Faults faults) {
    Set<String> tiers = new TreeSet<>(section(now, Tiers.SECTION).keySet());
    Set<String> lost = new TreeSet<>();
    Map<String, String> kept = new TreeMap<>();
    section(now, Clients.SECTION)
        .forEach((id, item) -> kept.put(id, tierOf(JsonOut.object(item.settings()))));
    Map<String, String> set = new TreeMap<>();
    for (Plan plan : plans) {
      if (plan.kind.section().equals(Tiers.SECTION)) {
        tiers.addAll(plan.created.keySet());
        lost.addAll(plan.deleted);
        tiers.removeAll(lost);
      } else if (plan.kind.section().equals(Clients.SECTION)) {
        kept.keySet().removeAll(plan.deleted);
        kept.keySet().removeAll(plan.updated.keySet());
        plan.created.forEach((id, one) -> set.put(id, tierOf(JsonOut.object(one.settings()))));
        plan.updated.forEach((id, one) -> set.put(id, tierOf(JsonOut.object(one.settings()))));
      }
    }
    set.forEach((id, tier) -> {
      if (!tiers.contains(tier)) {
        faults.add(
            Fault.body(
                "/" + Clients.SECTION + "/" + id + "/tier",
                "clients."
                    + id
                    + ".tier: "
                    + Fields.shown(tier)
                    + " (expected: a tier that there is once the document is applied)"));
      }
    });
    kept.forEach((id, tier) -> {
      if (lost.contains(tier)) {
        faults.add(
            Fault.body(
                "/" + Tiers.SECTION,
                "tiers: without "
                    + tier
                    + ", which the client "
                    + id
                    + " has (expected: named, or that of no client before it is pruned)"));
      }
    });
  }

  private static SortedMap<String, Item> section(Now now, String name) {
    return now.sections().getOrDefault(name, Collections.emptySortedMap());
  }

  private static String tierOf(byte[] settings) {
    return String.valueOf(Json.object(settings, VALUES_MAX).getOrDefault("tier", "default"));
  }

  /**
   * First what is deleted and nobody names, then what is made, then what nobody names any more. An
   * entry that another call changed since the decision stays as that call has it.
   */
  private void carryOut(List<Plan> plans, OptionalLong last) {
    List<Thing> things = new ArrayList<>();
    plans.forEach(plan -> plan.addTo(things));
    Precondition.or412(() -> {
      Expected decided = new Expected.Decided(store.decide(things, last));
      for (Plan plan : plans) {
        for (SortedMap<String, Wanted> some : List.of(plan.created, plan.updated)) {
          for (Wanted one : some.values()) {
            one.apply(decided);
          }
        }
      }
      for (Plan plan : plans.reversed()) {
        for (String name : plan.deleted) {
          if (!plan.kind.delete(name, decided)) {
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
          Item was = Objects.requireNonNull(plan.before.get(name));
          List<String> changes =
              Changes.between(
                  Optional.of(new Changes.Version(was.settings(), was.exact())),
                  new Changes.Version(one.settings(), one.exact()));
          for (int i = 0; i < changes.size(); i += 2) {
            details.add(plan.kind.section() + "." + name + "." + changes.get(i));
            details.add(changes.get(i + 1));
          }
        }
      });
    }
    return details.toArray(String[]::new);
  }

  private static byte[] json(List<Plan> plans, boolean dryRun) {
    return JsonOut.object(out -> {
      out.flag("dry_run", dryRun);
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
                  });
            }
          });
    });
  }
}
