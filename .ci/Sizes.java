import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Prints how large the parts of a source tree are, as a table. The argument is the tree's folder (default: this one). */
final class Sizes {

  private static final int FILE_MOST = 450;
  private static final int LUA_MOST = 80;
  private static final int PARAMETERS_MOST = 8;
  private static final int RING_MOST = 3;
  private static final Pattern COMMENT = Pattern.compile("/\\*.*?\\*/|//[^\n]*", Pattern.DOTALL);
  private static final Pattern TEXT = Pattern.compile("\"(?:\\\\.|[^\"\\\\\n])*\"");
  private static final Pattern RECORD = Pattern.compile("\\brecord (\\w+)(?:<[^>(]*>)?\\(");

  /** A record whose components are the fields of something that is flat itself; the comment says of what. */
  private static final Pattern FLAT = Pattern.compile("(?m)^ *// Flat row: .+\\R[\\w ]*\\brecord (\\w+)");

  /** A type that a file declares, or a name that it qualifies by another: neither is a class of the package. */
  private static final Pattern NOT_OF_THE_PACKAGE =
      Pattern.compile("\\b(?:class|record|interface|enum) (\\w+)|(?:\\.\\s*)(\\w+)");

  private Sizes() {}

  public static void main(String[] args) throws IOException {
    Path root = Path.of(args.length > 0 ? args[0] : ".");
    Map<Path, String> main = read(root.resolve("src/main/java"), ".java");
    Map<Path, String> test = read(root.resolve("src/test/java"), ".java");
    Map<Path, String> lua = read(root.resolve("src/main/resources/lua"), ".lua");

    List<Integer> lines = main.values().stream().map(Sizes::lines).sorted().toList();
    row("Java files of main, lines", lines.size() + ", " + sum(main));
    row("median / p90 / longest Java file", at(lines, 50) + " / " + at(lines, 90) + " / " + lines.getLast());
    row("Java files over " + FILE_MOST + " lines", over(main, FILE_MOST, Sizes::lines));
    row("test lines / main lines", "%.2f (%d)".formatted((double) sum(test) / sum(main), sum(test)));
    row("lines of store.redis", String.valueOf(sum(within(main, "store/redis"))));
    row("Lua files, lines, lines of code", "%d, %d, %d".formatted(lua.size(), sum(lua), lua.values().stream().mapToInt(Sizes::luaBody).sum()));
    row("Lua bodies over " + LUA_MOST + " lines without comments", over(lua, LUA_MOST, Sizes::luaBody));
    row("records and constructors over " + PARAMETERS_MOST + " parameters", wide(main));
    row("classes of a package that use each other in a ring of over " + RING_MOST, rings(main));
  }

  private static void row(String what, String value) {
    System.out.println("| " + what + " | " + value + " |");
  }

  private static Map<Path, String> read(Path root, String suffix) throws IOException {
    Map<Path, String> files = new TreeMap<>();
    try (Stream<Path> all = Files.walk(root)) {
      for (Path file : all.filter(one -> one.toString().endsWith(suffix)).toList()) {
        files.put(root.relativize(file), Files.readString(file));
      }
    }
    return files;
  }

  private static Map<Path, String> within(Map<Path, String> files, String folder) {
    return files.entrySet().stream()
        .filter(file -> file.getKey().toString().contains(folder))
        .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
  }

  private static int lines(String text) {
    return (int) text.lines().count();
  }

  private static int luaBody(String text) {
    return (int) text.lines().filter(line -> !line.isBlank() && !line.strip().startsWith("--")).count();
  }

  private static int sum(Map<Path, String> files) {
    return files.values().stream().mapToInt(Sizes::lines).sum();
  }

  private static int at(List<Integer> sorted, int percent) {
    return sorted.get(sorted.size() * percent / 100);
  }

  private interface Measure {
    int of(String text);
  }

  private static String over(Map<Path, String> files, int most, Measure measure) {
    List<String> found =
        files.entrySet().stream()
            .filter(file -> measure.of(file.getValue()) > most)
            .sorted(Comparator.comparing(file -> -measure.of(file.getValue())))
            .map(file -> name(file.getKey()) + " " + measure.of(file.getValue()))
            .toList();
    return found.size() + named(found);
  }

  private static String named(List<String> found) {
    return found.isEmpty() ? "" : " (" + String.join(", ", found) + ")";
  }

  private static String name(Path file) {
    return file.getFileName().toString().replaceFirst("\\.\\w+$", "");
  }

  private static String wide(Map<Path, String> files) {
    List<String> found = new ArrayList<>();
    List<String> flat = new ArrayList<>();
    files.forEach((file, text) -> {
      Set<String> rows = FLAT.matcher(text).results().map(row -> row.group(1)).collect(Collectors.toSet());
      String code = code(text);
      Pattern constructor = Pattern.compile("(?m)^ +(?:public |private |protected )?(" + name(file) + ")\\(");
      for (Pattern head : List.of(RECORD, constructor)) {
        Matcher match = head.matcher(code);
        while (match.find()) {
          int count = parameters(code, match.end());
          if (count > PARAMETERS_MOST) {
            (head == RECORD && rows.contains(match.group(1)) ? flat : found).add(match.group(1) + " " + count);
          }
        }
      }
    });
    return found.size() + named(found) + ", and " + flat.size() + " flat rows" + named(flat);
  }

  /** The text without comments and string literals. */
  private static String code(String text) {
    return TEXT.matcher(COMMENT.matcher(text).replaceAll("")).replaceAll("\"\"");
  }

  /** How many parameters stand from here to the closing parenthesis. */
  private static int parameters(String code, int from) {
    int depth = 0;
    int commas = 0;
    for (int i = from; i < code.length(); i++) {
      char c = code.charAt(i);
      if (c == '(' || c == '<' || c == '[') {
        depth++;
      } else if (c == ')' && depth == 0) {
        return code.substring(from, i).isBlank() ? 0 : commas + 1;
      } else if (c == ')' || c == '>' || c == ']') {
        depth--;
      } else if (c == ',' && depth == 0) {
        commas++;
      }
    }
    return 0;
  }

  private static String rings(Map<Path, String> files) {
    Map<Path, Map<String, String>> packages = new TreeMap<>();
    files.forEach((file, text) ->
        packages.computeIfAbsent(file.getParent(), _ -> new TreeMap<>())
            .put(name(file), code(text)));
    List<String> found = new ArrayList<>();
    packages.forEach((folder, classes) -> {
      Map<String, Set<String>> uses = new HashMap<>();
      classes.forEach((name, code) -> {
        Set<String> words = new HashSet<>(List.of(NOT_OF_THE_PACKAGE.matcher(code).replaceAll("").split("\\W+")));
        words.retainAll(classes.keySet());
        words.remove(name);
        uses.put(name, words);
      });
      Map<String, Set<String>> reach = new HashMap<>();
      classes.keySet().forEach(name -> reach.put(name, reach(name, uses)));
      Set<Set<String>> rings = new HashSet<>();
      classes.keySet().forEach(name -> {
        Set<String> ring = new TreeSet<>(reach.get(name));
        ring.removeIf(other -> !reach.get(other).contains(name));
        ring.add(name);
        rings.add(ring);
      });
      rings.stream().filter(ring -> ring.size() > RING_MOST).forEach(ring -> found.add(ring.size() + " in " + folder.getFileName()));
    });
    return found.size() + named(found);
  }

  private static Set<String> reach(String from, Map<String, Set<String>> uses) {
    Set<String> reached = new HashSet<>();
    Deque<String> open = new ArrayDeque<>(uses.get(from));
    while (!open.isEmpty()) {
      String next = open.pop();
      if (reached.add(next)) {
        open.addAll(uses.get(next));
      }
    }
    return reached;
  }
}
