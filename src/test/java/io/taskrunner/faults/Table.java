package io.taskrunner.faults;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/** The table of all scenarios of one run: on standard output, and in {@code target/faults.md}. */
final class Table {

  private static final Path FILE = Path.of("target", "faults.md");

  private static final List<String> HEAD =
      List.of(
          "| scenario | accepted | refused 503 | broken off | lost | dead | delivered again | longest gap ms |"
              + " longest refusal ms | doctor | |",
          "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");

  private static boolean begun;

  private Table() {}

  /** Adds a line. */
  static synchronized void add(String scenario, Account account, String remark) throws IOException {
    String doctor = account.findings().isEmpty() ? "clean" : account.findings().toString();
    String line =
        "| %s | %d | %d | %d | %d | %d | %d | %d | %d | %s | %s |"
            .formatted(
                scenario,
                account.accepted(),
                account.refused(),
                account.broken(),
                account.lost(),
                account.dead(),
                account.again(),
                account.gapMillis(),
                account.refusalMillis(),
                doctor,
                remark);
    System.out.println(line);
    Files.createDirectories(FILE.getParent());
    if (!begun) {
      begun = true;
      Files.write(FILE, HEAD);
    }
    Files.write(FILE, List.of(line), StandardOpenOption.APPEND);
  }
}
