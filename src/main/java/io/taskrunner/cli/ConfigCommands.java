package io.taskrunner.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
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
      if (prune && !dryRun) {
        sure.ask(around(), "This deletes everything that " + file + " does not contain.");
      }
      String text = text();
      boolean json = text.stripLeading().startsWith("{");
      Api.Reply reply =
          api.call(
              "POST",
              Api.query(
                  PATH, members("dry_run", dryRun ? true : null, "prune", prune ? true : null)),
              text,
              "Content-Type",
              json ? "application/json" : "application/yaml");
      if (!out.raw(reply)) {
        out.whole(reply.object());
      }
      return 0;
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
