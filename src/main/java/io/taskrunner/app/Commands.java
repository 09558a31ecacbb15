package io.taskrunner.app;

import io.taskrunner.cli.Cli;
import io.taskrunner.cli.Usage;
import io.taskrunner.config.Settings;
import io.taskrunner.config.SettingsTable;
import java.time.Clock;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.UsageMessageSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command line. Settings come only from environment variables. */
@Command(
    name = "task-runner",
    description = "A self-hosted HTTP task queue and scheduler on Redis.",
    synopsisSubcommandLabel = "dev|serve|doctor|settings|help|version|COMMAND",
    footer = {"", "Commands that call a server:"},
    versionProvider = Commands.VersionText.class,
    sortOptions = false)
public final class Commands implements Runnable {

  private static final int DONE = 0;
  private static final int FAILED = 1;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Mixin private final Help help = new Help();

  @Option(
      names = {"-V", "--version"},
      versionHelp = true,
      description = "Show the version and exit.")
  private boolean version;

  private Commands() {}

  /**
   * Runs a command.
   *
   * @param given the words of the command line
   * @return the exit status: 0 success; 1 failure; 2 the command line or the settings are wrong
   */
  public static int run(String[] given) {
    String[] words = Usage.spelled(given);
    if (Cli.knows(words)) {
      return Cli.run(words, Clock.systemUTC());
    }
    CommandLine commands =
        new CommandLine(new Commands())
            .addSubcommand(new Dev())
            .addSubcommand(new Serve())
            .addSubcommand(new Doctor())
            .addSubcommand(new SettingsList())
            .addSubcommand(new Train())
            .addSubcommand(new TrainClient());
    Set<String> names = new TreeSet<>(Cli.names());
    names.addAll(List.of("dev", "serve", "doctor", "settings", "help", "version"));
    Usage.apply(commands, names);
    commands
        .getHelpSectionMap()
        .put(
            UsageMessageSpec.SECTION_KEY_FOOTER,
            usage ->
                usage.footer()
                    + Cli.summary()
                    + """

                    `task-runner help COMMAND` shows the options of a command, `task-runner settings` the
                    environment variables of dev and serve.
                    """);
    commands.setExecutionExceptionHandler((thrown, _, _) -> Serving.report(thrown));
    return commands.execute(words);
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "Missing command.");
  }

  /** The option of every command. */
  private static final class Help {
    @Option(
        names = {"-h", "--help"},
        usageHelp = true,
        description = "Show this help and exit.")
    private boolean asked;
  }

  /** For development. */
  @Command(
      name = "dev",
      description = "Run API and worker with an embedded Redis, on 127.0.0.1 only.")
  private static final class Dev implements Callable<Integer> {
    @Mixin private final Help help = new Help();

    @Override
    public Integer call() throws Exception {
      return new Program(Settings.dev(Serving.environment())).run();
    }
  }

  /** For production. */
  @Command(
      name = "serve",
      description = "Run the API, the worker or both, configured by environment variables.")
  private static final class Serve implements Callable<Integer> {
    @Mixin private final Help help = new Help();

    @Override
    public Integer call() throws Exception {
      return Serving.serve();
    }
  }

  /** Checks the data in Redis. */
  @Command(
      name = "doctor",
      description =
          "Check the integrity of the data in Redis; exit status 1 if there are problems.")
  private static final class Doctor implements Callable<Integer> {
    @Mixin private final Help help = new Help();

    @Option(names = "--repair", description = "Repair the problems found.")
    private boolean repair;

    @Option(
        names = "--exact",
        description =
            "Also check counters of more than about 800 tasks; each check may block Redis for 200 ms.")
    private boolean exact;

    @Option(names = "--json", description = "Print the result as JSON.")
    private boolean json;

    @Override
    public Integer call() throws Exception {
      return new Examination(Settings.serve(Serving.environment()), repair, exact, json).run()
          ? DONE
          : FAILED;
    }
  }

  /** The environment variables. */
  @Command(name = "settings", description = "List the environment variables of dev and serve.")
  private static final class SettingsList implements Callable<Integer> {
    @Mixin private final Help help = new Help();

    @Override
    public Integer call() {
      System.out.print(SettingsTable.text(Settings.declared(), Settings.DEV));
      return DONE;
    }
  }

  /** For the launcher: see {@link Training}. */
  @Command(name = "train", hidden = true, description = "Run once under load, to train the JVM.")
  private static final class Train implements Callable<Integer> {
    @Override
    public Integer call() throws Exception {
      return Training.run();
    }
  }

  /** For the launcher: see {@link ClientTraining}. */
  @Command(
      name = "train-client",
      hidden = true,
      description = "Run commands of the client once, to train the JVM.")
  private static final class TrainClient implements Callable<Integer> {
    @Override
    public Integer call() throws Exception {
      return ClientTraining.run();
    }
  }

  /** The output of {@code --version}. */
  static final class VersionText implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"Task Runner " + BuildFile.read().version()};
    }
  }
}
