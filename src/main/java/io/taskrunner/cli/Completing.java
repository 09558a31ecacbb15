package io.taskrunner.cli;

import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/** What may follow on a command line: commands, options, and names from the server. */
final class Completing {

  private static final List<String> STATES =
      List.of("scheduled", "ready", "active", "retry", "succeeded", "dead", "cancelled");

  /** The values of options that are known without a server. */
  private static final Map<String, List<String>> VALUES =
      Map.of(
          "--state", STATES,
          "--method", List.of("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"),
          "--overlap", List.of("allow", "skip"),
          "--catch-up", List.of("none", "last", "all"),
          "--type", List.of("hmac", "ed25519"),
          "--scopes", List.of("enqueue", "read", "operate"));

  /**
   * A list of the server.
   *
   * @param list its member, a list or an object with a member for each name
   * @param name the member of an item of a list that is its name
   */
  private record Names(String path, String list, String name) {}

  private static final Names QUEUES = new Names("/v1/queues", "queues", "name");
  private static final Names CLIENTS =
      new Names("/admin/clients?limit=1000", "clients", "client_id");
  private static final Names TIERS = new Names("/admin/tiers", "tiers", "");

  private static final Map<String, Names> OF_OPTIONS =
      Map.of(
          "--queue",
          QUEUES,
          "--queues",
          QUEUES,
          "--to",
          QUEUES,
          "--client",
          CLIENTS,
          "--tier",
          TIERS);

  private static final Map<String, Names> OF_GROUPS =
      Map.of(
          "queues", QUEUES,
          "dead", QUEUES,
          "clients", CLIENTS,
          "keys", CLIENTS,
          "signing", CLIENTS,
          "tiers", TIERS,
          "hosts", new Names("/admin/hosts", "hosts", "host"),
          "schedules", new Names("/v1/schedules?limit=1000", "schedules", "name"),
          "operations", new Names("/v1/operations", "operations", "operation_id"),
          "tasks", new Names("/v1/tasks?limit=50", "tasks", "task_id"));

  private final Function<String, @Nullable CommandLine> commands;
  private final Iterable<String> names;
  private final Api api;

  /**
   * For a command line.
   *
   * @param commands returns a command by its name; null when there is none
   * @param names of all commands
   */
  Completing(Function<String, @Nullable CommandLine> commands, Iterable<String> names, Api api) {
    this.commands = commands;
    this.names = names;
    this.api = api;
  }

  /** What may stand in place of the last of these words, which may be empty. */
  List<String> after(List<String> words) {
    String begun = words.isEmpty() ? "" : words.getLast();
    TreeSet<String> found = new TreeSet<>();
    if (words.size() < 2) {
      names.forEach(found::add);
    } else {
      CommandLine command = commands.apply(words.getFirst());
      if (command != null) {
        find(words, command, begun, found);
      }
    }
    return found.stream().filter(each -> each.startsWith(begun)).toList();
  }

  private void find(List<String> words, CommandLine first, String begun, TreeSet<String> found) {
    CommandLine command = first;
    for (String word : words.subList(1, words.size() - 1)) {
      command = command.getSubcommands().getOrDefault(word, command);
    }
    String before = words.get(words.size() - 2);
    OptionSpec option = command.getCommandSpec().findOption(before);
    if (option != null && option.arity().max() > 0) {
      String name = option.longestName();
      found.addAll(VALUES.getOrDefault(name, List.of()));
      add(OF_OPTIONS.get(name), found);
    } else if (begun.startsWith("-")) {
      command.getCommandSpec().options().forEach(each -> found.add(each.longestName()));
    } else if (!command.getSubcommands().isEmpty()) {
      found.addAll(command.getSubcommands().keySet());
    } else if (words.getFirst().equals("operations") && command.getCommandName().equals("start")) {
      found.addAll(List.of("cancel", "run", "retry", "move", "delete"));
    } else if (!command.getCommandName().equals("list") || words.getFirst().equals("dead")) {
      add(OF_GROUPS.get(words.getFirst()), found);
    }
  }

  private void add(@Nullable Names of, TreeSet<String> found) {
    if (of == null) {
      return;
    }
    try {
      Map<String, @Nullable Object> response = api.get(of.path()).object();
      found.addAll(Shown.object(response.get(of.list())).keySet());
      Shown.list(response, of.list()).forEach(each -> found.add(Shown.text(each, of.name())));
    } catch (Failure unknown) {
      // Without a server, or the right to read them, there are no names.
    }
  }
}
