package io.taskrunner.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The root of the client commands. */
@Command(
    name = "task-runner",
    description = "A client of Task Runner's HTTP API.",
    synopsisSubcommandLabel = "COMMAND")
final class Root implements Runnable {

  @Spec private CommandSpec spec = CommandSpec.create();

  @Mixin private final Common.Help help = new Common.Help();

  private final Surroundings around;

  Root(Surroundings around) {
    this.around = around;
  }

  Surroundings around() {
    return around;
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "Missing command.");
  }

  /** A command that has subcommands and does nothing by itself. */
  abstract static class Group implements Runnable {
    @Spec private CommandSpec spec = CommandSpec.create();

    @Mixin private final Common.Help help = new Common.Help();

    @Override
    public void run() {
      throw new ParameterException(
          spec.commandLine(),
          "Missing command (expected: " + String.join(", ", spec.subcommands().keySet()) + ").");
    }
  }
}
