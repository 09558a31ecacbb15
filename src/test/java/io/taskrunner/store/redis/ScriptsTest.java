package io.taskrunner.store.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.taskrunner.store.AdminKeyStore;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.record.TickCall;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Checks the annotations of the Lua scripts against Java's use of them, and their sizes. */
class ScriptsTest {

  private static final Path LUA = Path.of("src/main/resources/lua");
  private static final Pattern WORD = Pattern.compile("'([a-z_]{2,})'");
  private static final int LINES_MAX = 80;

  /** The words that Java reads from each script that can answer with more than one. */
  private static final Map<Script, Class<? extends Enum<?>>> WORDS =
      new EnumMap<>(
          Map.ofEntries(
              Map.entry(Script.BEGIN_OPERATION, RedisOperations.Entry.class),
              Map.entry(Script.BULK, OperationRun.Chunk.class),
              Map.entry(Script.CLAIM, ClaimReply.Word.class),
              Map.entry(Script.CLOSE_QUEUE, RedisQueues.Closed.class),
              Map.entry(Script.DROP_TASK, RedisCloud.Seen.class),
              Map.entry(Script.FIND_TASK, RedisCloud.Seen.class),
              Map.entry(Script.LIST_TASKS, RedisCloud.Listed.class),
              Map.entry(Script.MAKE_QUEUE, RedisCloud.Created.class),
              Map.entry(Script.NAME_CLOUD, RedisCloud.Named.class),
              Map.entry(Script.PUT_ADMIN_KEY, AdminKeyStore.Put.class),
              Map.entry(Script.PUT_CLIENT, RedisClients.Put.class),
              Map.entry(Script.PUT_SECRET, RedisSigning.Taken.class),
              Map.entry(Script.RENEW, RedisWork.Cause.class),
              Map.entry(Script.RUN_TASK, RedisCloud.Seen.class),
              Map.entry(Script.SIGN_CLIENT, RedisSigning.Signed.class),
              Map.entry(Script.TICK, TickCall.Passed.class)));

  /** Their answer is not read, or its quoted words are arguments. */
  private static final Set<Script> WORDLESS = Set.of(Script.CHECK, Script.CLOSE_OPERATION);

  @Test
  void everyScriptDocumentsItsNameArgumentsAndReply() {
    List<String> faults = new ArrayList<>();
    Set<String> listed = new TreeSet<>();
    for (Script script : Script.values()) {
      listed.add(script.lua());
      String header = header(script);
      if (!header.startsWith(script.lua() + ": ")) {
        faults.add(script.lua() + " does not begin with its name");
      }
      if (!header.contains(" ARGV now") || !header.contains(" REPLY ")) {
        faults.add(script.lua() + " does not say its ARGV, beginning with now, and its REPLY");
      }
    }
    assertEquals("", String.join("\n", faults));
    assertEquals(listed, new TreeSet<>(files().stream().filter(name -> !isLib(name)).toList()));
  }

  @Test
  void javaKnowsExactlyTheReplyWordsOfEachScript() {
    List<String> faults = new ArrayList<>();
    Set<String> done = new TreeSet<>();
    for (Script script : Script.values()) {
      Set<String> said = words(script);
      Class<? extends Enum<?>> read = WORDS.get(script);
      if (read != null && !said.equals(names(read))) {
        faults.add(script.lua() + " answers " + said + ", and Java reads " + names(read));
      } else if (read == null && said.size() > 1 && !WORDLESS.contains(script)) {
        done.addAll(said);
        if (!names(Done.class).containsAll(said)) {
          faults.add(script.lua() + " answers " + said + ", and has no enum in WORDS");
        }
      }
    }
    assertEquals("", String.join("\n", faults));
    assertEquals(names(Done.class), done);
  }

  @Test
  void noScriptAndNoPartOfOneIsLongerThanEightyLines() {
    List<String> faults = new ArrayList<>();
    for (String name : files()) {
      long lines =
          read(name)
              .lines()
              .filter(line -> !line.isBlank() && !line.strip().startsWith("--"))
              .count();
      if (lines > LINES_MAX) {
        faults.add(name + " has " + lines + " lines (expected: at most " + LINES_MAX + ")");
      }
    }
    assertEquals("", String.join("\n", faults));
  }

  private static boolean isLib(String name) {
    return name.startsWith("lib/");
  }

  /** All files, without their ending. */
  private static List<String> files() {
    try (Stream<Path> files = Files.walk(LUA)) {
      return files
          .map(file -> LUA.relativize(file).toString())
          .filter(name -> name.endsWith(".lua"))
          .map(name -> name.substring(0, name.length() - ".lua".length()))
          .toList();
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  private static String read(String name) {
    try {
      return Files.readString(LUA.resolve(name + ".lua"));
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  /** The comment at the beginning, in one line. */
  private static String header(Script script) {
    return read(script.lua())
        .lines()
        .takeWhile(line -> line.startsWith("--") && !line.startsWith("--@"))
        .map(line -> line.substring(2).strip())
        .collect(Collectors.joining(" "))
        .replaceAll(" +", " ");
  }

  /** The quoted words of REPLY. */
  private static Set<String> words(Script script) {
    String header = header(script);
    Matcher words = WORD.matcher(header.substring(header.indexOf(" REPLY ")));
    return words
        .results()
        .map(word -> word.group(1))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static Set<String> names(Class<? extends Enum<?>> words) {
    return Arrays.stream(words.getEnumConstants())
        .map(word -> word.name().toLowerCase(Locale.ROOT))
        .collect(Collectors.toCollection(TreeSet::new));
  }
}
