package io.taskrunner.cli;

import java.io.PrintWriter;
import java.time.Clock;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
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
    COMMANDS.put("tiers", TiersCommands::new);
    COMMANDS.put("signing", SigningCommands::new);
    COMMANDS.put("hosts", HostsCommands::new);
    COMMANDS.put("keys", KeysCommands::new);
    COMMANDS.put("audit", AuditCommand::new);
    COMMANDS.put("config", ConfigCommands::new);
    COMMANDS.put("workers", StatusCommands.Workers::new);
    COMMANDS.put("stats", StatusCommands.Stats::new);
    COMMANDS.put("series", SeriesCommands.Series::new);
    COMMANDS.put("failures", SeriesCommands.Failures::new);
    COMMANDS.put("health", StatusCommands.Health::new);
    COMMANDS.put("pause", StatusCommands.Pause::new);
    COMMANDS.put("resume", StatusCommands.Resume::new);
    COMMANDS.put("watch", WatchCommand::new);
    COMMANDS.put("listen", ListenCommand::new);
    COMMANDS.put("load", LoadCommand::new);
    COMMANDS.put("completion", CompletionCommand::new);
  }

  private Cli() {}

  /** Whether this is a command of the client. */
  public static boolean knows(String[] words) {
    return words.length > 0 && (COMMANDS.containsKey(words[0]) || words[0].equals("complete"));
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

  static int run(String[] given, Surroundings around) {
    // The words to complete are not options of this command.
    String[] words = given;
    if (given[0].equals("complete")) {
      words = new String[given.length + 1];
      words[0] = given[0];
      words[1] = "--";
      System.arraycopy(given, 1, words, 2, given.length - 1);
    }
    CommandLine commands = new CommandLine(new Root(around));
    Supplier<Object> command = COMMANDS.getOrDefault(words[0], CompleteCommand::new);
    commands.addSubcommand(words[0], command.get());
    Usage.apply(commands, names());
    commands.setOut(new PrintWriter(around.out(), true));
    commands.setErr(new PrintWriter(around.err(), true));
    commands.setExecutionExceptionHandler((thrown, _, _) -> {
      if (thrown instanceof Failure failure) { // of a command that calls no server
        around.err().println(failure.getMessage());
        return failure.status();
      }
      throw thrown;
    });
    return commands.execute(words);
  }

  /** A command by its name; null when there is none. */
  static @Nullable CommandLine command(String name) {
    Supplier<Object> made = COMMANDS.get(name);
    return made == null ? null : new CommandLine(made.get());
  }

  /** All first words of a command line. */
  static Set<String> completable() {
    Set<String> all = new TreeSet<>(COMMANDS.keySet());
    all.addAll(List.of("dev", "serve", "doctor", "settings", "help", "version"));
    return all;
  }
}
