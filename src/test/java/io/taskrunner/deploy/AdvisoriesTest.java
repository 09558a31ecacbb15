package io.taskrunner.deploy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** No dependency is older than the minimum in SECURITY.md. */
class AdvisoriesTest {

  private static final Pattern ROW =
      Pattern.compile("\\| `([\\w.]+):([\\w.*-]+)` \\| ([0-9][\\w.]*) \\| .+ \\|");

  /** Such as {@code …/io/netty/netty-common/4.2.18.Final/netty-common-4.2.18.Final.jar}. */
  private static final Pattern JAR =
      Pattern.compile(".*?/repository/(.+)/([^/]+)/([^/]+)/[^/]+\\.jar");

  /** A row of the table. */
  private record Least(String group, String artifact, String version) {
    boolean isOf(Matcher jar) {
      return jar.group(1).replace('/', '.').equals(group)
          && (artifact.equals("*") || artifact.equals(jar.group(2)));
    }
  }

  private static List<Least> table() throws IOException {
    return Files.readAllLines(Path.of("SECURITY.md")).stream()
        .map(ROW::matcher)
        .filter(Matcher::matches)
        .map(row -> new Least(row.group(1), row.group(2), row.group(3)))
        .toList();
  }

  /** Whether a version is another or a later one, by its numbers. */
  static boolean isAtLeast(String version, String least) {
    List<Integer> is = numbers(version);
    List<Integer> must = numbers(least);
    for (int i = 0; i < must.size(); i++) {
      int one = i < is.size() ? is.get(i) : 0;
      if (one != must.get(i)) {
        return one > must.get(i);
      }
    }
    return true;
  }

  private static List<Integer> numbers(String version) {
    List<Integer> numbers = new ArrayList<>();
    for (String part : version.split("[.-]", -1)) {
      if (part.matches("[0-9]{1,9}")) {
        numbers.add(Integer.valueOf(part));
      }
    }
    return numbers;
  }

  @Test
  void noDependencyHasAListedAdvisory() throws IOException {
    List<Least> table = table();
    assertFalse(table.isEmpty());
    for (Least least : table) {
      List<Matcher> jars = new ArrayList<>();
      for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
        Matcher jar = JAR.matcher(entry);
        if (jar.matches() && least.isOf(jar) && !jar.group(2).contains("tcnative")) {
          jars.add(jar);
        }
      }
      assertFalse(jars.isEmpty(), least + " is no dependency any more: take its row out");
      for (Matcher jar : jars) {
        assertTrue(isAtLeast(jar.group(3), least.version()), jar.group() + " and not " + least);
      }
    }
  }

  @Test
  void versionsAreComparedByTheirNumbers() {
    assertTrue(isAtLeast("4.2.18.Final", "4.2.18.Final"));
    assertTrue(isAtLeast("4.10.0", "4.9.9"));
    assertTrue(isAtLeast("2.23.0", "2.22.2"));
    assertEquals(false, isAtLeast("2.21.4", "2.22.2"));
    assertEquals(false, isAtLeast("4.2", "4.2.1"));
  }
}
