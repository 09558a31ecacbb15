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
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Holds the order of the rooms: who may know whom, read from what was compiled. */
class RoomsTest {

  private static final String BASE = "io.taskrunner";

  private static final Set<String> UP_TO_STORE =
      Set.of("config", "telemetry", "task", "client", "schedule", "store");

  /** For each room, the others that it may know. Whoever adds a room says here where it stands. */
  private static final Map<String, Set<String>> MAY_KNOW =
      Map.ofEntries(
          Map.entry("config", Set.of()),
          Map.entry("telemetry", Set.of()),
          Map.entry("task", Set.of("config", "telemetry")),
          Map.entry("client", Set.of("config", "telemetry", "task")),
          Map.entry("schedule", Set.of("config", "telemetry", "task", "client")),
          Map.entry("store", Set.of("config", "telemetry", "task", "client", "schedule")),
          Map.entry("store.redis", UP_TO_STORE),
          Map.entry("dispatch", UP_TO_STORE),
          Map.entry("worker", with(UP_TO_STORE, "dispatch")),
          Map.entry("operation", UP_TO_STORE),
          Map.entry("http", UP_TO_STORE),
          Map.entry("cloudtasks", with(UP_TO_STORE, "http")),
          Map.entry("cli", Set.of("config")),
          Map.entry("embedded", Set.of("config")),
          Map.entry("app", Set.of("*")),
          Map.entry("", Set.of("app")));

  /** Libraries that only these rooms may see. */
  private static final Map<String, Set<String>> SEEN_ONLY_IN =
      Map.of(
          "io.lettuce.", Set.of("store.redis", "app"),
          "com.linecorp.armeria.server.", Set.of("http", "cloudtasks", "app"),
          "ch.qos.logback.", Set.of("app"),
          "io.opentelemetry.", Set.of("telemetry", "app"),
          "picocli.", Set.of("app", "cli"));

  /** Rooms that need the JDK alone, and NullAway's annotations. */
  private static final Set<String> PURE = Set.of("task", "client", "schedule");

  private static final Pattern TYPE =
      Pattern.compile("L([a-z][A-Za-z0-9_]*(?:/[A-Za-z0-9_$]+)+)[;<]");

  private record Compiled(String name, String room, Set<String> knows) {}

  @Test
  void roomsKnowOnlyWhatStandsBelowThem() {
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
  void librariesStayInTheRoomsThatTheyAreFor() {
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
  void everyPackageIsARoomOrWithinOneAndSaysWhatItIsFor() throws IOException {
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
  void theReadingFindsWhatIsThere() {
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
    assertEquals(Optional.of("store.redis"), room(BASE + ".store.redis.Keys"));
    assertEquals(Optional.of("http"), room(BASE + ".http.v1.Tasks"));
  }

  private static boolean mayKnow(String room, String other) {
    Set<String> known = MAY_KNOW.getOrDefault(room, Set.of());
    return room.equals(other) || known.contains("*") || known.contains(other);
  }

  /** The room of one of our classes, the innermost when rooms lie in each other. */
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

  private static Set<String> with(Set<String> rooms, String another) {
    return Stream.concat(rooms.stream(), Stream.of(another)).collect(Collectors.toSet());
  }
}
