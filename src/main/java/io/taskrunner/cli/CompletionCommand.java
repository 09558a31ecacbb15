package io.taskrunner.cli;

import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Prints a completion script for a shell, which calls {@link Completing}. */
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

  private static final Map<String, String> SCRIPTS =
      Map.of(
          "bash",
          """
          _task_runner() {
            local IFS=$'\\n'
            COMPREPLY=($("${COMP_WORDS[0]}" complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
          }
          complete -o default -F _task_runner task-runner ./task-runner
          """,
          "zsh",
          """
          _task_runner() {
            local -a found
            found=("${(@f)$("${words[1]}" complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
            compadd -a found
          }
          compdef _task_runner task-runner
          """,
          "fish",
          """
          complete -c task-runner -f \
          -a '(task-runner complete (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
          """);

  @Parameters(paramLabel = "bash|zsh|fish", description = "Shell to print it for.")
  private String shell = "";

  @Override
  int run(Api api, Out out) throws Failure {
    String script = SCRIPTS.get(shell);
    if (script == null) {
      throw new Failure(
          Failure.MISUSED, "Unknown shell \"" + shell + "\" (expected: bash, zsh or fish)");
    }
    out.to().print(script);
    return 0;
  }
}
