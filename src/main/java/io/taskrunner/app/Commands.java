package io.taskrunner.app;

import io.taskrunner.cli.Cli;
import io.taskrunner.config.CannotStart;
import io.taskrunner.config.InvalidSettings;
import io.taskrunner.config.LogSettings;
import io.taskrunner.config.Settings;
import io.taskrunner.config.SettingsTable;
import io.taskrunner.store.StoreUnavailable;
import java.io.Console;
import java.time.Clock;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.UsageMessageSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What can be said on the command line. Settings come from the environment alone. */
@Command(
    name = "task-runner",
    description = "A self-hosted HTTP task queue and scheduler on Redis.",
    synopsisSubcommandLabel = "dev|serve|doctor|COMMAND",
    footer = {"", "As a client of the HTTP API (each has --help):"},
    versionProvider = Commands.VersionText.class,
    sortOptions = false)
public final class Commands implements Runnable {

  private static final int DONE = 0;
  private static final int FAILED = 1;

  /** The words, the settings or what they name cannot be used. */
  static final int MISUSED = 2;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Mixin private final Help help = new Help();

  @Option(
      names = {"-V", "--version"},
      versionHelp = true,
      description = "Print the version and end.")
  private boolean version;

  private Commands() {}

  /**
   * Does what the words say.
   *
   * @return the exit status: 0 all went well; 1 it did not; 2 the words or the settings are wrong
   */
  public static int run(String[] words) {
    if (Cli.knows(words)) {
      return Cli.run(words, Clock.systemUTC());
    }
    CommandLine commands =
        new CommandLine(new Commands())
            .addSubcommand(new Dev())
            .addSubcommand(new Serve())
            .addSubcommand(new Doctor())
            .addSubcommand(new Train());
    commands.setUsageHelpWidth(100);
    commands
        .getHelpSectionMap()
        .put(
            UsageMessageSpec.SECTION_KEY_FOOTER,
            usage ->
                usage.footer()
                    + Cli.summary()
                    + "\nWhat is set in the environment:\n"
                    + SettingsTable.text(Settings.declared(), Settings.DEV));
    commands.setExecutionExceptionHandler((thrown, _, _) -> {
      switch (thrown) {
        case InvalidSettings invalid -> {
          System.err.println("Task Runner cannot start with these settings:");
          invalid.faults().forEach(fault -> System.err.println("  " + fault));
          System.err.println("./task-runner --help lists all of them.");
          return MISUSED;
        }
        case StoreUnavailable away -> {
          System.err.println("Redis went away (" + away.getMessage() + ").");
          return FAILED;
        }
        case CannotStart cannot -> {
          System.err.println(cannot.getMessage());
          return cannot.status();
        }
        default -> throw thrown;
      }
    });
    return commands.execute(words);
  }

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(),
        "Say what to do: dev, serve or doctor, or a command of the client; --help lists them.");
  }

  /** What every command has. */
  private static final class Help {
    @Option(
        names = {"-h", "--help"},
        usageHelp = true,
        description = "Print this and end.")
    private boolean asked;
  }

  /** On a person's own machine. */
  @Command(
      name = "dev",
      description = "Run everything here on a Redis of its own, open to this machine alone.")
  private static final class Dev implements Callable<Integer> {
    @Mixin private final Help help = new Help();

    @Override
    public Integer call() throws Exception {
      return new Program(Settings.dev(environment())).run();
    }
  }

  /** Anywhere else. */
  @Command(name = "serve", description = "Run what MODE says, set up by the environment.")
  private static final class Serve implements Callable<Integer> {
    @Mixin private final Help help = new Help();

    @Override
    public Integer call() throws Exception {
      return new Program(Settings.serve(environment())).run();
    }
  }

  /** For when something looks wrong. */
  @Command(
      name = "doctor",
      description = "Prove that what lies in Redis is whole: exit status 0 when it is, 1 when not.")
  private static final class Doctor implements Callable<Integer> {
    @Mixin private final Help help = new Help();

    @Option(names = "--repair", description = "Mend what is found.")
    private boolean repair;

    @Option(
        names = "--exact",
        description =
            "Also check counters of more than some 800 tasks; each such check may block Redis for 200 ms.")
    private boolean exact;

    @Override
    public Integer call() throws Exception {
      return new Examination(Settings.serve(environment()), repair, exact).run() ? DONE : FAILED;
    }
  }

  /** For the launcher: see {@link Training}. */
  @Command(
      name = "train",
      hidden = true,
      description = "Start and stop once, for the JVM to learn.")
  private static final class Train implements Callable<Integer> {
    @Override
    public Integer call() throws Exception {
      return Training.run();
    }
  }

  /** What {@code --version} prints. */
  static final class VersionText implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"Task Runner " + BuildFile.read().version()};
    }
  }

  /** The environment; on a terminal a person reads the log, where they do not say otherwise. */
  private static Map<String, String> environment() {
    Map<String, String> environment = new HashMap<>(System.getenv());
    Console console = System.console();
    if (console != null && console.isTerminal()) {
      environment.merge(
          "LOG_FORMAT",
          LogSettings.Format.TEXT.name(),
          (given, text) -> given.isBlank() ? text : given);
    }
    return environment;
  }
}
