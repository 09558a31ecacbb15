package io.taskrunner.cli;

import java.time.Clock;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import picocli.CommandLine;

/** The commands that are a client of the HTTP API. */
public final class Cli {

  /** By name. Only the one that is called is built, because building one takes time. */
  private static final Map<String, Supplier<Object>> COMMANDS = new LinkedHashMap<>();

  static {
    COMMANDS.put("enqueue", EnqueueCommand::new);
    COMMANDS.put("tasks", TasksCommands::new);
    COMMANDS.put("queues", QueuesCommands::new);
    COMMANDS.put("dead", DeadCommands::new);
    COMMANDS.put("schedules", SchedulesCommands::new);
    COMMANDS.put("operations", OperationsCommands::new);
    COMMANDS.put("clients", ClientsCommands::new);
    COMMANDS.put("hosts", HostsCommands::new);
    COMMANDS.put("keys", KeysCommands::new);
    COMMANDS.put("audit", AuditCommand::new);
    COMMANDS.put("config", ConfigCommands::new);
    COMMANDS.put("watch", WatchCommand::new);
    COMMANDS.put("load", LoadCommand::new);
    COMMANDS.put("completion", CompletionCommand::new);
  }

  private Cli() {}

  /** Whether this is a command of the client. */
  public static boolean knows(String[] words) {
    return words.length > 0 && COMMANDS.containsKey(words[0]);
  }

  /** The names of the commands. */
  public static Set<String> names() {
    return COMMANDS.keySet();
  }

  /** A line on each command, for the help of the program. */
  public static String summary() {
    StringBuilder text = new StringBuilder();
    COMMANDS.forEach((name, command) -> {
      String[] says = new CommandLine(command.get()).getCommandSpec().usageMessage().description();
      text.append(String.format("  %-11s %s%n", name, says[0]));
    });
    return text.toString();
  }

  /**
   * Runs a command in this process.
   *
   * @return the exit status: 0 success; 1 rejected or failed; 2 the command line is wrong; 3 not
   *     found; 4 the server cannot be reached; 5 missing, invalid or insufficient credentials
   */
  public static int run(String[] words, Clock clock) {
    return run(words, Surroundings.ofProcess(clock));
  }

  static int run(String[] words, Surroundings around) {
    CommandLine commands = whole(words[0], around);
    Usage.apply(commands, names());
    commands.setOut(new java.io.PrintWriter(around.out(), true));
    commands.setErr(new java.io.PrintWriter(around.err(), true));
    commands.setExecutionExceptionHandler((thrown, _, _) -> {
      if (thrown instanceof Failure failure) {
        around.err().println(failure.getMessage());
        return failure.status();
      }
      throw thrown;
    });
    return commands.execute(words);
  }

  /** The command line with the command that is called, or with all of them for completion. */
  private static CommandLine whole(String word, Surroundings around) {
    CommandLine commands = new CommandLine(new Root(around));
    COMMANDS.forEach((name, command) -> {
      if (name.equals(word) || word.equals("completion")) {
        commands.addSubcommand(name, command.get());
      }
    });
    return commands;
  }
}
