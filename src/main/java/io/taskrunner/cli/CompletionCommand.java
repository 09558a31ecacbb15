package io.taskrunner.cli;

import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Prints a completion script for a shell. */
@Command(
    name = "completion",
    description = "Print a completion script for a shell.",
    footer = {
      "",
      "Examples:",
      "  source <(task-runner completion bash)    # also for zsh",
      "  task-runner completion fish >~/.config/fish/completions/task-runner.fish"
    })
final class CompletionCommand extends Verb {

  @Spec private CommandSpec spec = CommandSpec.create();

  @Parameters(paramLabel = "bash|zsh|fish", description = "Shell to print it for.")
  private String shell = "";

  @Override
  int run(Api api, Out out) throws Failure {
    CommandLine whole = spec.root().commandLine();
    switch (shell) {
      case "bash", "zsh" -> out.to().print(AutoComplete.bash("task-runner", whole));
      case "fish" -> out.to().print(fish(whole));
      default ->
          throw new Failure(
              Failure.MISUSED, "Unknown shell \"" + shell + "\" (expected: bash, zsh or fish)");
    }
    return 0;
  }

  private static String fish(CommandLine whole) {
    StringBuilder text = new StringBuilder("complete -c task-runner -f\n");
    fish(whole, "", text);
    return text.toString();
  }

  /** Completes the arguments of a command; {@code seen} is its condition. */
  private static void fish(CommandLine of, String seen, StringBuilder text) {
    String names = String.join(" ", of.getSubcommands().keySet());
    String noneYet = seen + "not __fish_seen_subcommand_from " + names;
    of.getSubcommands()
        .forEach((name, sub) -> {
          CommandSpec command = sub.getCommandSpec();
          line(text, noneYet, "-a " + name, command.usageMessage().description());
          String within = seen + "__fish_seen_subcommand_from " + name;
          for (OptionSpec option : command.options()) {
            String flag = "-l " + option.longestName().replaceFirst("^-+", "");
            line(
                text, within, option.arity().max() > 0 ? flag + " -r" : flag, option.description());
          }
          if (!sub.getSubcommands().isEmpty()) {
            fish(sub, within + "; and ", text);
          }
        });
  }

  private static void line(StringBuilder text, String when, String what, String[] description) {
    String says = description.length == 0 ? "" : description[0].replace("'", "\\'");
    text.append("complete -c task-runner -n '")
        .append(when)
        .append("' ")
        .append(what)
        .append(" -d '")
        .append(says)
        .append("'\n");
  }
}
