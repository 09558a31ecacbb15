package io.taskrunner.cli;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Lists the changes of admins. */
@Command(
    name = "audit",
    description = "List the changes made by admins, newest first.",
    footer = {"", "Example:", "  task-runner audit --who alice"})
final class AuditCommand extends Lists {

  @Option(names = "--who", paramLabel = "NAME", description = "Only changes made with this key.")
  private @Nullable String who;

  @Option(
      names = "--what",
      paramLabel = "TEXT",
      description = "Only changes of this kind, such as queue.")
  private @Nullable String what;

  AuditCommand() {
    super("/admin/audit", "entries");
  }

  @Override
  Map<String, @Nullable Object> query() throws Failure {
    return members("who", who, "what", what);
  }

  @Override
  List<Out.Column> columns(Out out) {
    return List.of(
        Out.Column.of("TIME", "time"),
        Out.Column.of("WHO", "who"),
        Out.Column.of("WHAT", "what"),
        Out.Column.of("REQUEST", "request_id"),
        Out.Column.of("DETAILS", "details"));
  }
}
