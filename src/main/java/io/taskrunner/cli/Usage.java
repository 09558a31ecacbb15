package io.taskrunner.cli;

import io.taskrunner.config.Mistyped;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Model.UsageMessageSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The layout of every help text, and the answer to a command line that is wrong. */
public final class Usage {

  private static final int WIDTH = 100;

  private static final int MISUSED = 2;

  private Usage() {}

  /**
   * Applies both to a command and its subcommands.
   *
   * @param names of all commands, to suggest one for an unknown name
   */
  public static void apply(CommandLine commands, Collection<String> names) {
    commands.setUsageHelpWidth(WIDTH);
    layout(commands);
    commands.setParameterExceptionHandler((wrong, _) -> {
      CommandLine command = wrong.getCommandLine();
      PrintWriter err = command.getErr();
      err.println(message(wrong, command == commands ? names : command.getSubcommands().keySet()));
      err.println("Try `" + command.getCommandSpec().qualifiedName() + " --help`.");
      return MISUSED;
    });
  }

  /**
   * The words {@code help}, {@code help COMMAND} and {@code version} as the options of that name.
   */
  public static String[] spelled(String[] words) {
    return switch (words.length == 0 ? "" : words[0]) {
      case "version" -> new String[] {"--version"};
      case "help" -> {
        String[] asked = Arrays.copyOfRange(words, 1, words.length + 1);
        asked[words.length - 1] = "--help";
        yield asked;
      }
      default -> words;
    };
  }

  private static void layout(CommandLine command) {
    UsageMessageSpec usage = command.getCommandSpec().usageMessage();
    usage.abbreviateSynopsis(true);
    usage.descriptionHeading("%n");
    usage.parameterListHeading("%nArguments:%n");
    usage.optionListHeading("%nOptions:%n");
    usage.commandListHeading("%nCommands:%n");
    command.getSubcommands().values().forEach(Usage::layout);
  }

  private static String message(ParameterException wrong, Collection<String> names) {
    if (!(wrong instanceof UnmatchedArgumentException unmatched) || names.isEmpty()) {
      return String.valueOf(wrong.getMessage())
          .replaceFirst(
              "^Invalid value for (?:option|positional parameter at index \\S+)"
                  + " '?\\(?<?([^' )>]+)>?\\)?'?(?: \\([^)]*\\))?: ",
              "$1: ")
          .replaceFirst("'(.*)' is not an? (?:int|long|double)$", "\"$1\" (expected: a number)");
    }
    List<String> words = unmatched.getUnmatched();
    String word = words.isEmpty() ? "" : words.getFirst();
    return word.startsWith("-")
        ? "Unknown option \"" + word + "\"."
        : "Unknown command \""
            + word
            + "\"."
            + Mistyped.closest(word, names)
                .map(name -> " Did you mean \"" + name + "\"?")
                .orElse("");
  }
}
