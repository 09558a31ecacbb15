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
 * Holds the reference page to the declarations. {@code mvn test -Dtest=SettingsPageTest
 * -Dpage.write=true} writes it anew.
 */
class SettingsPageTest {

  private static final Path PAGE = Path.of("docs/reference/settings.md");

  private static final String INTRODUCTION =
      """
      # Settings

      Made from the declarations in `src/main/java/io/taskrunner/config`; do not edit it by hand.

      Task Runner is set up by its environment alone. `./task-runner serve` takes the defaults below;
      `./task-runner dev` differs where the table says so. A variable set to nothing counts as not
      set. Every secret may also be given as a file, in the variable with `_FILE` at its end; giving
      both is a fault. All faults are told at once, each with the variable, its value (secrets are
      hidden) and what is allowed; the program then ends with exit status 2.

      Exactly one kind of Redis is named: `REDIS_URL`, or `REDIS_SENTINEL_ADDR`. `./task-runner dev`
      brings its own Redis when neither is set.
      """;

  @Test
  void thePageSaysWhatIsDeclared() throws IOException {
    String page = INTRODUCTION + SettingsTable.markdown(Settings.declared(), Settings.DEV);
    if (Boolean.getBoolean("page.write")) {
      Files.createDirectories(PAGE.getParent());
      Files.writeString(PAGE, page);
    }
    assertEquals(
        page,
        Files.readString(PAGE),
        "stale; write it anew with: mvn test -Dtest=SettingsPageTest -Dpage.write=true");
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
