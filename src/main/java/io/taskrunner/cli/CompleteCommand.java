package io.taskrunner.cli;

import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** For the completion scripts: prints what may stand in place of the last word. */
@Command(
    name = "complete",
    hidden = true,
    description = "Print the completions of a command line, for the scripts of completion.",
    footer = {"", "Example:", "  task-runner complete queues pause ''"})
final class CompleteCommand extends Verb {

  @Parameters(arity = "0..*", paramLabel = "WORD", description = "The words so far.")
  private List<String> words = List.of();

  @Override
  int run(Api api, Out out) {
    new Completing(Cli::command, Cli.completable(), api)
        .after(words)
        .forEach(each -> out.to().println(each));
    return 0;
  }
}
