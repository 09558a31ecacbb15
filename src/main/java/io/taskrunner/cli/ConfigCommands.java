package io.taskrunner.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The configuration as one document. */
@Command(
    name = "config",
    description = "Export or apply the whole configuration as one document.",
    subcommands = {ConfigCommands.Export.class, ConfigCommands.Apply.class})
final class ConfigCommands extends Root.Group {

  private static final String PATH = "/admin/config";

  @Command(
      name = "export",
      description =
          "Print all queues, tiers, clients, host limits and schedules as JSON; without secrets and keys.",
      footer = {"", "Example:", "  task-runner config export --yaml >config.yaml"})
  static final class Export extends Verb {
    @Option(names = "--yaml", description = "Print YAML instead.")
    private boolean yaml;

    @Override
    int run(Api api, Out out) throws Failure {
      Document document = new Document(api);
      out.to().println((yaml ? document.yaml() : document.json()).stripTrailing());
      return 0;
    }
  }

  @Command(
      name = "apply",
      description = "Apply a document; nothing is changed if any of it is invalid.",
      footer = {
        "",
        "Examples:",
        "  task-runner config apply config.yaml --dry-run",
        "  task-runner config apply config.yaml --prune --yes"
      })
  static final class Apply extends Verb {
    @Parameters(paramLabel = "FILE", description = "JSON or YAML file; - for standard input.")
    private String file = "";

    @Option(names = "--dry-run", description = "Show what would change, without changing it.")
    private boolean dryRun;

    @Option(
        names = "--prune",
        description = "Also delete everything that the document does not contain.")
    private boolean prune;

    @Mixin private final Common.Sure sure = new Common.Sure();

    @Override
    int run(Api api, Out out) throws Failure {
      String text = text();
      if (prune && !dryRun && !sure.given()) {
        long deleted =
            Shown.object(send(api, text, true).object().get("changes")).values().stream()
                .mapToLong(section -> Shown.texts(Shown.object(section).get("deleted")).size())
                .sum();
        sure.ask(
            around(),
            "This deletes everything that %s does not contain (%d; --dry-run lists it)."
                .formatted(file, deleted));
      }
      Api.Reply reply = send(api, text, dryRun);
      if (!out.raw(reply)) {
        print(out, reply.object());
      }
      return 0;
    }

    private Api.Reply send(Api api, String text, boolean dry) throws Failure {
      boolean json = text.stripLeading().startsWith("{");
      Api.Reply reply =
          api.send(
              "POST",
              Api.query(PATH, members("dry_run", dry ? true : null, "prune", prune ? true : null)),
              text,
              "Content-Type",
              json ? "application/json" : "application/yaml");
      if (reply.status() >= 400) {
        FileLines lines = new FileLines(text);
        throw Api.refusal(reply, error -> located(error, lines));
      }
      return reply;
    }

    /** An error with its place in the file. */
    private String located(Map<String, @Nullable Object> error, FileLines lines) {
      int line = lines.of(error.get("pointer") instanceof String pointer ? pointer : "");
      return file
          + ":"
          + (line == 0 ? "" : line + ":")
          + " "
          + Shown.text(error, "detail").replaceFirst("^the body: ", "");
    }

    private void print(Out out, Map<String, @Nullable Object> result) {
      List<String> warnings = Shown.texts(result.get("warnings"));
      warnings.forEach(warning -> around().err().println("Warning: " + warning));
      List<Map<String, @Nullable Object>> rows = new ArrayList<>();
      Map<String, Long> counts = new LinkedHashMap<>();
      Shown.object(result.get("changes"))
          .forEach((section, changes) -> count(section, Shown.object(changes), rows, counts));
      if (!rows.isEmpty()) {
        out.table(
            rows,
            List.of(
                Out.Column.of("SECTION", "section"),
                Out.Column.of("NAME", "name"),
                Out.Column.of("CHANGE", "change"),
                Out.Column.of("FIELDS", "fields")));
      }
      out.say(
          counts.entrySet().stream()
                  .map(each -> each.getValue() + " " + each.getKey())
                  .collect(Collectors.joining(", "))
              + (dryRun ? " (dry run: nothing was changed)" : ""));
    }

    private static void count(
        String section,
        Map<String, @Nullable Object> changes,
        List<Map<String, @Nullable Object>> rows,
        Map<String, Long> counts) {
      Map<String, @Nullable Object> fields = Shown.object(changes.get("changed_fields"));
      for (String change : List.of("created", "updated", "deleted")) {
        List<String> names = Shown.texts(changes.get(change));
        counts.merge(change, (long) names.size(), Long::sum);
        for (String name : names) {
          String details =
              Shown.object(fields.get(name)).entrySet().stream()
                  .map(field -> field.getKey() + ": " + field.getValue())
                  .collect(Collectors.joining(", "));
          rows.add(members("section", section, "name", name, "change", change, "fields", details));
        }
      }
      if (changes.get("unchanged") instanceof Number unchanged) {
        counts.merge("unchanged", unchanged.longValue(), Long::sum);
      }
    }

    private String text() throws Failure {
      try {
        return file.equals("-")
            ? new String(around().in().readAllBytes(), StandardCharsets.UTF_8)
            : Files.readString(Path.of(file));
      } catch (IOException unreadable) {
        throw new Failure(
            Failure.MISUSED, file + " cannot be read; check the path and its permissions");
      }
    }
  }
}
