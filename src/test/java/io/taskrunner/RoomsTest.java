package io.taskrunner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.config.Settings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.constantpool.ClassEntry;
import java.lang.classfile.constantpool.PoolEntry;
import java.lang.classfile.constantpool.Utf8Entry;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Checks the order of the packages: which may use which, read from the compiled classes. */
class RoomsTest {

  private static final String BASE = "io.taskrunner";

  private static final Set<String> UP_TO_STORE =
      Set.of("config", "telemetry", "task", "client", "schedule", "store");

  /** For each package, the others that it may use. A new package must be added here. */
  private static final Map<String, Set<String>> MAY_KNOW =
      Map.ofEntries(
          Map.entry("config", Set.of()),
          Map.entry("telemetry", Set.of()),
          Map.entry("task", Set.of("config", "telemetry")),
          Map.entry("client", Set.of("config", "telemetry", "task")),
          Map.entry("schedule", Set.of("config", "telemetry", "task", "client")),
          Map.entry("store", Set.of("config", "telemetry", "task", "client", "schedule")),
          Map.entry("store.redis.link", UP_TO_STORE),
          Map.entry("store.redis.record", with(UP_TO_STORE, "store.redis.link")),
          Map.entry(
              "store.redis.doctor", with(UP_TO_STORE, "store.redis.link", "store.redis.record")),
          Map.entry(
              "store.redis",
              with(UP_TO_STORE, "store.redis.link", "store.redis.record", "store.redis.doctor")),
          Map.entry("dispatch", UP_TO_STORE),
          Map.entry("worker", with(UP_TO_STORE, "dispatch")),
          Map.entry("operation", UP_TO_STORE),
          Map.entry("http.call", UP_TO_STORE),
          Map.entry("http.admin", with(UP_TO_STORE, "http.call")),
          Map.entry("http.operate", with(UP_TO_STORE, "http.call")),
          Map.entry("http.dashboard", with(UP_TO_STORE, "http.call")),
          Map.entry("http.v1", with(UP_TO_STORE, "http.call", "http.operate")),
          Map.entry(
              "http",
              with(
                  UP_TO_STORE,
                  "http.call",
                  "http.admin",
                  "http.dashboard",
                  "http.operate",
                  "http.v1")),
          Map.entry("cloudtasks", with(UP_TO_STORE, "http", "http.call")),
          Map.entry("cli", Set.of("config", "schedule")),
          Map.entry("embedded", Set.of("config")),
          Map.entry("app", Set.of("*")),
          Map.entry("", Set.of("app")));

  private static final Set<String> HTTP =
      Set.of("http", "http.call", "http.admin", "http.dashboard", "http.operate", "http.v1");

  /** Libraries that only these packages may use. */
  private static final Map<String, Set<String>> SEEN_ONLY_IN =
      Map.ofEntries(
          Map.entry(
              "io.lettuce.",
              Set.of("store.redis", "store.redis.link", "store.redis.doctor", "app")),
          Map.entry("com.linecorp.armeria.server.", with(HTTP, "cloudtasks", "app")),
          Map.entry("io.netty.", with(HTTP, "cloudtasks", "dispatch", "store.redis.link", "app")),
          Map.entry("com.fasterxml.jackson.", Set.of("http.call", "cloudtasks", "cli")),
          Map.entry(
              "io.micrometer.",
              with(HTTP, "telemetry", "store.redis", "store.redis.link", "worker", "app")),
          Map.entry("org.snakeyaml.", Set.of("http.call", "cli")),
          Map.entry("com.nimbusds.", Set.of("dispatch", "http.operate")),
          Map.entry("com.google.protobuf.", Set.of("cloudtasks")),
          Map.entry("ch.qos.logback.", Set.of("app")),
          Map.entry("io.opentelemetry.", Set.of("telemetry", "app")),
          Map.entry("picocli.", Set.of("app", "cli")));

  /** Packages that need only the JDK, and NullAway's annotations. */
  private static final Set<String> PURE = Set.of("task", "client", "schedule");

  /** Classes of a package that all use each other, directly or not, are understood together. */
  private static final int RING_MAX = 3;

  private static final Pattern TYPE =
      Pattern.compile("L([a-z][A-Za-z0-9_]*(?:/[A-Za-z0-9_$]+)+)[;<]");

  private record Compiled(String name, String room, Set<String> knows) {}

  @Test
  void packagesImportOnlyDownward() {
    List<String> faults = new ArrayList<>();
    for (Compiled one : compiled()) {
      for (String other : one.knows()) {
        room(other)
            .filter(room -> !mayKnow(one.room(), room))
            .ifPresent(room -> faults.add(one.name() + " knows " + other));
      }
    }
    assertEquals("", String.join("\n", faults));
  }

  @Test
  void noPackageHasAClassRingOfMoreThanThree() {
    Map<String, Map<String, Set<String>>> packages = new TreeMap<>();
    for (Compiled one : compiled()) {
      packages
          .computeIfAbsent(packageOf(one.name()), _ -> new TreeMap<>())
          .merge(one.name(), one.knows(), RoomsTest::both);
    }
    List<String> faults = new ArrayList<>();
    packages.forEach((name, classes) -> {
      Map<String, Set<String>> reached = new TreeMap<>();
      classes.keySet().forEach(one -> reached.put(one, reached(one, classes)));
      Set<String> largest = Set.of();
      for (String one : classes.keySet()) {
        Set<String> ring =
            reached.get(one).stream()
                .filter(other -> reached.get(other).contains(one))
                .collect(Collectors.toCollection(TreeSet::new));
        largest = ring.size() > largest.size() ? ring : largest;
      }
      if (largest.size() > RING_MAX) {
        faults.add(
            name
                + " has a ring of "
                + largest.size()
                + " (expected: at most "
                + RING_MAX
                + "): "
                + largest);
      }
    });
    assertEquals("", String.join("\n", faults));
  }

  /** The classes of the package that one uses, directly or not. */
  private static Set<String> reached(String one, Map<String, Set<String>> classes) {
    Set<String> reached = new TreeSet<>();
    Deque<String> open = new ArrayDeque<>(List.of(one));
    while (!open.isEmpty()) {
      for (String other : classes.get(open.pop())) {
        if (classes.containsKey(other) && reached.add(other)) {
          open.push(other);
        }
      }
    }
    return reached;
  }

  private static Set<String> both(Set<String> some, Set<String> others) {
    return Stream.concat(some.stream(), others.stream()).collect(Collectors.toSet());
  }

  private static String packageOf(String type) {
    return type.substring(0, type.lastIndexOf('.'));
  }

  @Test
  void librariesAreUsedOnlyInTheirPackages() {
    List<String> faults = new ArrayList<>();
    for (Compiled one : compiled()) {
      for (String other : one.knows()) {
        SEEN_ONLY_IN.forEach((library, rooms) -> {
          if (other.startsWith(library) && !rooms.contains(one.room())) {
            faults.add(one.name() + " knows " + other);
          }
        });
        if (PURE.contains(one.room())
            && !other.startsWith(BASE)
            && !other.startsWith("java.")
            && !other.startsWith("org.jspecify.")) {
          faults.add(one.name() + " knows " + other);
        }
      }
    }
    assertEquals("", String.join("\n", faults));
  }

  @Test
  void everyPackageIsListedAndDocumented() throws IOException {
    List<String> faults = new ArrayList<>();
    Path sources = Path.of("src/main/java");
    try (Stream<Path> files = Files.walk(sources)) {
      for (Path dir : files.filter(RoomsTest::hasJava).toList()) {
        String name = sources.relativize(dir).toString().replace('/', '.');
        Path info = dir.resolve("package-info.java");
        if (room(name + ".X").isEmpty()) {
          faults.add(name + " is no room; say in RoomsTest where it stands");
        }
        if (!Files.exists(info)) {
          faults.add(name + " has no package-info.java");
        } else if (!Files.readString(info).contains("@NullMarked")) {
          faults.add(name + " is not @NullMarked");
        }
      }
    }
    assertEquals("", String.join("\n", faults));
  }

  @Test
  void theClassReaderFindsImports() {
    Compiled embedded =
        compiled().stream()
            .filter(one -> one.name().equals(BASE + ".embedded.EmbeddedRedis"))
            .findFirst()
            .orElseThrow();
    assertTrue(embedded.knows().contains(BASE + ".config.Secret"), embedded.knows().toString());
    assertTrue(embedded.knows().contains("org.slf4j.Logger"), embedded.knows().toString());
    assertTrue(mayKnow("worker", "dispatch"));
    assertFalse(mayKnow("worker", "http"));
    assertFalse(mayKnow("http", "worker"));
    assertFalse(mayKnow("store", "store.redis"));
    assertFalse(mayKnow("task", "app"));
    assertFalse(mayKnow("store.redis.link", "store.redis.record"));
    assertEquals(Optional.of("store.redis"), room(BASE + ".store.redis.RedisStore"));
    assertEquals(Optional.of("store.redis.link"), room(BASE + ".store.redis.link.Keys"));
    assertEquals(Optional.of("http.v1"), room(BASE + ".http.v1.Tasks"));
  }

  private static boolean mayKnow(String room, String other) {
    Set<String> known = MAY_KNOW.getOrDefault(room, Set.of());
    return room.equals(other) || known.contains("*") || known.contains(other);
  }

  /** The package of a class, the innermost when packages are nested. */
  private static Optional<String> room(String type) {
    if (!type.startsWith(BASE + ".")) {
      return Optional.empty();
    }
    String rest = type.substring(BASE.length() + 1);
    for (int dot = rest.lastIndexOf('.'); dot >= 0; dot = rest.lastIndexOf('.', dot - 1)) {
      String room = rest.substring(0, dot);
      if (MAY_KNOW.containsKey(room)) {
        return Optional.of(room);
      }
    }
    return rest.indexOf('.') < 0 ? Optional.of("") : Optional.empty();
  }

  private static List<Compiled> compiled() {
    try {
      Path root =
          Path.of(Settings.class.getProtectionDomain().getCodeSource().getLocation().toURI());
      try (Stream<Path> files = Files.walk(root)) {
        return files
            .filter(file -> file.toString().endsWith(".class"))
            .map(RoomsTest::read)
            .collect(Collectors.toUnmodifiableList());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Compiled read(Path file) {
    ClassModel model;
    try {
      model = ClassFile.of().parse(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Set<String> knows = new TreeSet<>();
    for (PoolEntry entry : model.constantPool()) {
      switch (entry) {
        case ClassEntry type when type.asInternalName().startsWith("[") ->
            addTypes(knows, type.asInternalName());
        case ClassEntry type -> knows.add(outer(type.asInternalName()));
        case Utf8Entry text -> addTypes(knows, text.stringValue());
        default -> {}
      }
    }
    String name = outer(model.thisClass().asInternalName());
    return new Compiled(name, room(name).orElse(""), Set.copyOf(knows));
  }

  private static void addTypes(Set<String> knows, String descriptor) {
    Matcher types = TYPE.matcher(descriptor);
    while (types.find()) {
      knows.add(outer(types.group(1)));
    }
  }

  /** The class in its file, as Java spells it. */
  private static String outer(String internalName) {
    int inner = internalName.indexOf('$');
    return (inner < 0 ? internalName : internalName.substring(0, inner)).replace('/', '.');
  }

  private static boolean hasJava(Path dir) {
    if (!Files.isDirectory(dir)) {
      return false;
    }
    try (Stream<Path> files = Files.list(dir)) {
      return files.anyMatch(file -> file.toString().endsWith(".java"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Set<String> with(Set<String> rooms, String... others) {
    return both(rooms, Set.of(others));
  }
}
