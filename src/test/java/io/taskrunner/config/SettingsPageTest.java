package io.taskrunner.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * Checks the reference page against the declarations. {@code mvn test -Dtest=SettingsPageTest
 * -Dpage.write=true} regenerates it.
 */
class SettingsPageTest {

  private static final Path PAGE = Path.of("docs/reference/settings.md");

  private static final String INTRODUCTION =
      """
      # Settings

      Generated from the declarations in `src/main/java/io/taskrunner/config`; do not edit.

      Task Runner is configured entirely by environment variables. The defaults are those of `./task-runner serve`; the table
      states where `./task-runner dev` differs. An empty variable counts as unset. Every secret can also be read from a file,
      named by the variable with the suffix `_FILE`; setting both is an error. All errors are reported together, each with the
      variable, its value (secrets are hidden) and the allowed values; the program then exits with status 2.

      Set exactly one of `REDIS_URL`, `REDIS_SENTINEL_ADDR` and `REDIS_CLUSTER_NODES`. If none is set, `./task-runner dev`
      starts an embedded Redis, and `serve` uses the default of `REDIS_URL`.
      """;

  @Test
  void thePageListsTheDeclaredSettings() throws IOException {
    String page = INTRODUCTION + SettingsTable.markdown(Settings.declared(), Settings.DEV);
    if (Boolean.getBoolean("page.write")) {
      Files.createDirectories(PAGE.getParent());
      Files.writeString(PAGE, page);
    }
    assertEquals(
        page,
        Files.readString(PAGE),
        "stale; regenerate it with: mvn test -Dtest=SettingsPageTest -Dpage.write=true");
  }

  @Test
  void eachVariableIsDeclaredOnce() {
    List<String> names = Settings.declared().stream().map(Setting::name).toList();
    assertEquals(names.stream().distinct().toList(), names);
  }

  @Test
  void theHelpNamesEveryVariable() {
    String help = SettingsTable.text(Settings.declared(), Settings.DEV);
    for (Setting setting : Settings.declared()) {
      assertTrue(help.contains("  " + setting.name()), setting.name());
    }
    assertEquals(
        "", help.lines().filter(line -> line.length() > 100).collect(Collectors.joining("\n")));
  }
}
