package io.taskrunner.store.redis.link;

import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.output.ArrayOutput;
import io.lettuce.core.output.CommandOutput;
import io.lettuce.core.output.StatusOutput;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CommandType;
import io.taskrunner.store.redis.link.Lua.Line;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The scripts that run for each task, as one library of Redis Functions (Redis 7.0 and later).
 *
 * <p>A script creates its Lua functions and tables again in each call, which takes longer than what
 * a small call does; a library creates them once, when it is loaded. It is made of the same files:
 * each script becomes a function {@code run}, before which everything is declared that the files
 * declare at the left margin. Functions, blocks ({@code do}) and constants (names in capitals,
 * without a call) are left as they are; of other declarations the values are assigned in each call,
 * in the order of the files.
 *
 * <p>Library and functions are named by the digest of the text, so that several versions of this
 * program can share a Redis.
 */
final class Library {

  /** What the names of all versions' libraries begin with. */
  private static final String PREFIX = "task_runner_";

  private static final Pattern NOT_NOW = Pattern.compile("OOM |MISCONF |NOREPLICAS |READONLY ");
  private static final Pattern DECLARATION =
      Pattern.compile("local ([\\w, ]+?)(?: = (.*?))?(?:\\s+--.*)?");
  private static final Pattern CONSTANTS = Pattern.compile("[A-Z][A-Z0-9_]+(?:, [A-Z][A-Z0-9_]+)*");
  private static final Pattern CONTINUED = Pattern.compile("[\\s})\\]].*|(?:end|else|until)\\b.*");

  static final Library OF_TASKS =
      new Library(
          List.of(
              Script.CLAIM,
              Script.ENQUEUE,
              Script.GATES,
              Script.RENEW,
              Script.SETTLE,
              Script.TEND));

  private final String name;
  private final String text;
  private final Map<Script, byte[]> functions = new EnumMap<>(Script.class);

  private Library(List<Script> scripts) {
    Map<Script, String> bodies = new EnumMap<>(Script.class);
    scripts.forEach(script -> bodies.put(script, new Function(script).text()));
    String version = Lua.digest(Keys.bytes(String.join("\n", bodies.values()))).substring(0, 12);
    name = PREFIX + version;
    StringBuilder whole = new StringBuilder("#!lua name=" + name + "\n");
    bodies.forEach((script, body) -> {
      String function = script.lua() + "_" + version;
      functions.put(script, Keys.bytes(function));
      whole.append("do\n").append(body);
      whole.append("redis.register_function('" + function + "', run)\nend\n");
    });
    text = whole.toString();
  }

  /** Why Redis did not run a function. */
  enum Refusal {
    /** It did run it, or what became of the call is not known. */
    NONE,
    /** For another reason, by which it would judge each write of a script alone. */
    NOT_NOW,
    NOT_LOADED,
    /** It has no functions, or does not permit them to this user. */
    NEVER
  }

  /**
   * Why Redis did not run a function. Its memory may be full, its disk may have failed, it may be a
   * replica or miss some: then it runs no function at all, while a script only fails at its first
   * write, unless that frees memory.
   */
  static Refusal refusal(Throwable failure) {
    if (!(Answers.cause(failure) instanceof RedisCommandExecutionException refused)) {
      return Refusal.NONE;
    }
    String message = String.valueOf(refused.getMessage());
    if (message.equals("ERR Function not found")) {
      return Refusal.NOT_LOADED;
    }
    if (message.startsWith("ERR unknown command")
        || message.startsWith("NOPERM") && message.contains("fcall")) {
      return Refusal.NEVER;
    }
    boolean inside = message.contains("user_function");
    return !inside && NOT_NOW.matcher(message).lookingAt() ? Refusal.NOT_NOW : Refusal.NONE;
  }

  /** Loads it; fails where it is there already. */
  CompletionStage<String> load(RedisAsyncCommands<byte[], byte[]> redis) {
    return redis.functionLoad(text);
  }

  /**
   * Deletes the libraries of other versions. A process of another version that still uses its own
   * loads it again.
   */
  CompletionStage<?> deleteOthers(RedisAsyncCommands<byte[], byte[]> redis) {
    return function(
            redis, new ArrayOutput<>(ByteArrayCodec.INSTANCE), "LIST", "LIBRARYNAME", PREFIX + "*")
        .thenCompose(libraries ->
            CompletableFuture.allOf(
                libraries.stream()
                    .map(library -> Keys.text((byte[]) ((List<?>) library).get(1)))
                    .filter(other -> !other.equals(name))
                    .map(other ->
                        function(
                            redis, new StatusOutput<>(ByteArrayCodec.INSTANCE), "DELETE", other))
                    .map(CompletionStage::toCompletableFuture)
                    .toArray(CompletableFuture[]::new)));
  }

  private static <T> CompletionStage<T> function(
      RedisAsyncCommands<byte[], byte[]> redis,
      CommandOutput<byte[], byte[], T> output,
      String... words) {
    CommandArgs<byte[], byte[]> all = new CommandArgs<>(ByteArrayCodec.INSTANCE);
    Stream.of(words).forEach(all::add);
    return redis.dispatch(CommandType.FUNCTION, output, all);
  }

  /** The name of a script's function; null when it is called as a script alone. */
  byte @Nullable [] function(Script script) {
    return functions.get(script);
  }

  /** One script's part. */
  private static final class Function {

    private final String script;
    private final List<String> declared = new ArrayList<>(List.of("local KEYS, ARGV"));
    private final List<String> steps = new ArrayList<>();
    private final List<String> run = new ArrayList<>();
    private int stepCount;
    private boolean inStep;

    Function(Script script) {
      this.script = script.lua();
      List<List<Line>> statements = statements(this.script);
      int last = 0; // what follows the last function is used by `run` alone
      for (int i = 0; i < statements.size(); i++) {
        Line first = statements.get(i).getFirst();
        if (isDefinition(first.text()) || !first.file().equals(this.script)) {
          last = i;
        }
      }
      for (int i = 0; i < statements.size(); i++) {
        add(statements.get(i), i > last);
      }
      endStep();
    }

    /** The statements at the left margin, with what is indented below them. */
    private static List<List<Line>> statements(String script) {
      List<List<Line>> statements = new ArrayList<>();
      for (Line line : Lua.lines(script)) {
        if (!CONTINUED.matcher(line.text()).matches()) {
          statements.add(new ArrayList<>());
        }
        statements.getLast().add(line);
      }
      return statements;
    }

    private static boolean isDefinition(String line) {
      return line.startsWith("local function ") || line.equals("do");
    }

    private void add(List<Line> statement, boolean atTheEnd) {
      List<String> lines =
          new ArrayList<>(statement.stream().map(line -> line.text().strip()).toList());
      String first = lines.getFirst();
      Matcher declaration = DECLARATION.matcher(first);
      if (isDefinition(first)) {
        declared.addAll(lines);
        return;
      }
      if (!atTheEnd && declaration.matches()) {
        String names = declaration.group(1);
        String value = declaration.group(2);
        if (value == null || CONSTANTS.matcher(names).matches() && !value.contains("(")) {
          declared.addAll(lines);
          return;
        }
        declared.add("local " + names);
        lines.set(0, first.substring("local ".length()));
      }
      if (statement.getFirst().file().equals(script)) {
        endStep();
        run.addAll(lines);
      } else {
        // An included file's in a function of their own: Lua allows a function 60 outer variables.
        if (!inStep) {
          stepCount++;
          steps.add("local function step_" + stepCount + "()");
          run.add("step_" + stepCount + "()");
          inStep = true;
        }
        steps.addAll(lines);
      }
    }

    private void endStep() {
      if (inStep) {
        steps.add("end");
        inStep = false;
      }
    }

    String text() {
      return Stream.of(
              declared,
              steps,
              List.of("local function run(keys, args)", "KEYS, ARGV = keys, args"),
              run,
              List.of("end"))
          .flatMap(List::stream)
          .collect(Collectors.joining("\n", "", "\n"));
    }
  }
}
