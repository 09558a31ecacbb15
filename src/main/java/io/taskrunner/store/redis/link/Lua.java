package io.taskrunner.store.redis.link;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Reads the scripts' files: a line {@code --@include lib/name} is replaced by that file. */
final class Lua {

  private static final String INCLUDE = "--@include ";
  private static final Map<String, List<String>> FILES = new ConcurrentHashMap<>();

  private Lua() {}

  /** A line, with the file that it is from. */
  record Line(String file, String text) {}

  /** All lines of a script but comments and blank ones; each file is included once. */
  static List<Line> lines(String name) {
    List<Line> lines = new ArrayList<>();
    append(name, lines, new HashSet<>());
    return lines;
  }

  private static void append(String name, List<Line> lines, Set<String> included) {
    if (!included.add(name)) {
      return;
    }
    for (String line : FILES.computeIfAbsent(name, Lua::read)) {
      if (line.startsWith(INCLUDE)) {
        append(line.substring(INCLUDE.length()).strip(), lines, included);
      } else {
        lines.add(new Line(name, line));
      }
    }
  }

  private static List<String> read(String name) {
    try (InputStream in = Lua.class.getResourceAsStream("/lua/" + name + ".lua")) {
      if (in == null) {
        throw new IllegalStateException("no script /lua/" + name + ".lua");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> line.startsWith(INCLUDE) || !isComment(line.strip()))
          .toList();
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  private static boolean isComment(String line) {
    return line.isEmpty() || line.startsWith("--");
  }

  /** SHA-1 in hexadecimal. */
  static String digest(byte[] text) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-1").digest(text));
    } catch (NoSuchAlgorithmException everyJdkHasIt) {
      throw new IllegalStateException(everyJdkHasIt);
    }
  }
}
