package io.taskrunner.cli;

import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Tells what admins changed. */
@Command(
    name = "audit",
    description = "Tell what admins changed, the newest first.",
    footer = {"", "Example:", "  task-runner audit --who alice"})
final class AuditCommand extends Verb {

  @Option(names = "--who", paramLabel = "NAME", description = "By this admin's key alone.")
  private @Nullable String who;

  @Option(names = "--what", paramLabel = "TEXT", description = "Such changes alone.")
  private @Nullable String what;

  @Mixin private final Common.Pages pages = new Common.Pages();

  @Override
  int run(Api api, Out out) throws Failure {
    Api.Reply reply =
        api.get(
            Api.query(
                "/admin/audit",
                members("who", who, "what", what, "limit", pages.limit, "cursor", pages.cursor)));
    if (!out.raw(reply)) {
      out.table(
          Shown.list(reply.object(), "entries"),
          List.of(
              Out.Column.of("TIME", "time"),
              Out.Column.of("WHO", "who"),
              Out.Column.of("WHAT", "what"),
              Out.Column.of("DETAILS", "details"),
              Out.Column.of("REQUEST", "request_id")));
      Common.Pages.more(out, reply);
    }
    return 0;
  }
}
