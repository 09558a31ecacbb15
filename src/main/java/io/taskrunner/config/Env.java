package io.taskrunner.config;

import io.taskrunner.config.InvalidSettings.Fault;
import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The environment, read by declaring settings.
 *
 * <p>Each getter declares one variable and returns its value. A value that is not allowed is
 * recorded as an error and the default is returned, so that reading continues and {@link #done}
 * reports all errors together. An empty variable counts as unset. Not thread-safe: it is read once,
 * at startup.
 */
public final class Env {

  private static final String PATH = "a path";
  private static final int SHOWN_MAX = 200;

  private final Map<String, String> given;
  private final Map<String, String> presets;
  private final List<Setting> declared = new ArrayList<>();
  private final List<Fault> faults = new ArrayList<>();
  private String section = "";

  private Env(Map<String, String> given, Map<String, String> presets) {
    this.given =
        given.entrySet().stream()
            .filter(variable -> !variable.getValue().isBlank())
            .collect(Collectors.toUnmodifiableMap(Map.Entry::getKey, Map.Entry::getValue));
    this.presets = Map.copyOf(presets);
  }

  /**
   * An environment to read.
   *
   * @param given the variables, as of {@link System#getenv()}
   * @param presets defaults that replace the declared ones: how {@code dev} differs
   */
  public static Env of(Map<String, String> given, Map<String, String> presets) {
    return new Env(given, presets);
  }

  /** Sets the heading of the following declarations. */
  void section(String heading) {
    section = heading;
  }

  /** The names of all variables that are set, sorted. */
  List<String> names() {
    return given.keySet().stream().sorted().toList();
  }

  /** Everything declared so far, in that order. */
  public List<Setting> declared() {
    return List.copyOf(declared);
  }

  /**
   * Ends the reading.
   *
   * @throws InvalidSettings if there were errors, with all of them
   */
  public void done() {
    if (!faults.isEmpty()) {
      throw new InvalidSettings(faults);
    }
  }

  /** Records an error of a variable whose value may be shown. */
  void fault(String name, String why) {
    faults.add(new Fault(name, isGiven(name) ? quoted(value(name).orElse("")) : "not set", why));
  }

  /** Records an error of a variable without its value. */
  void hiddenFault(String name, String why) {
    faults.add(new Fault(name, "***", why));
  }

  /** Records errors found elsewhere. */
  void faults(List<Fault> found) {
    faults.addAll(found);
  }

  /** Whether the variable, or its file, is set. */
  boolean isGiven(String name) {
    return given.containsKey(name) || given.containsKey(name + "_FILE");
  }

  /** A whole number from {@code min} to {@code max}. */
  int integer(String name, int fallback, int min, int max, String meaning) {
    return integer(name, fallback, String.valueOf(fallback), min, max, meaning);
  }

  /** Like {@link #integer(String, int, int, int, String)}, with the default described in words. */
  int integer(String name, int fallback, String told, int min, int max, String meaning) {
    return (int) number(name, fallback, told, min, max, meaning);
  }

  /** A whole number of seconds. */
  Duration seconds(String name, int fallback, int min, int max, String meaning) {
    return Duration.ofSeconds(number(name, fallback, String.valueOf(fallback), min, max, meaning));
  }

  /** A whole number of milliseconds. */
  Duration millis(String name, int fallback, int min, int max, String meaning) {
    return Duration.ofMillis(number(name, fallback, String.valueOf(fallback), min, max, meaning));
  }

  /** A number of bytes, or unset. */
  OptionalLong bytes(String name, String unset, long min, long max, String meaning) {
    declare(name, unset, min + " to " + max, meaning, false);
    return parsed(name, text -> wholeNumber(text, min, max), min + " to " + max)
        .map(OptionalLong::of)
        .orElse(OptionalLong.empty());
  }

  /** A whole number, or the word {@code auto} for empty, which is the default. */
  OptionalInt integerOrAuto(String name, int min, int max, String meaning) {
    String allowed = "auto, or " + min + " to " + max;
    declare(name, "auto", allowed, meaning, false);
    return parsed(
            name,
            text ->
                text.equals("auto")
                    ? Optional.of(OptionalInt.empty())
                    : wholeNumber(text, min, max).map(number -> OptionalInt.of(number.intValue())),
            allowed)
        .orElse(OptionalInt.empty());
  }

  /** A fraction from {@code min} to {@code max}. */
  double ratio(String name, double fallback, double min, double max, String meaning) {
    String allowed = min + " to " + max;
    declare(name, String.valueOf(fallback), allowed, meaning, false);
    return parsed(
            name,
            text -> {
              if (!text.matches("[0-9]{1,3}(\\.[0-9]{1,9})?")) {
                return Optional.empty();
              }
              double ratio = Double.parseDouble(text);
              return ratio < min || ratio > max ? Optional.empty() : Optional.of(ratio);
            },
            allowed)
        .orElse(fallback);
  }

  /** {@code true} or {@code false}, in any case. */
  boolean flag(String name, boolean fallback, String meaning) {
    declare(name, String.valueOf(fallback), "true, false", meaning, false);
    return parsed(
            name,
            text ->
                switch (text.toLowerCase(Locale.ROOT)) {
                  case "true" -> Optional.of(true);
                  case "false" -> Optional.of(false);
                  default -> Optional.empty();
                },
            "true, false")
        .orElse(fallback);
  }

  /** One of an enum's words, in any case. */
  <E extends Enum<E>> E oneOf(String name, E fallback, String meaning) {
    return oneOf(name, fallback, word(fallback), meaning);
  }

  /** Like {@link #oneOf(String, Enum, String)}, with the default described in words. */
  <E extends Enum<E>> E oneOf(String name, E fallback, String told, String meaning) {
    E[] all = fallback.getDeclaringClass().getEnumConstants();
    String allowed = Arrays.stream(all).map(Env::word).collect(Collectors.joining(", "));
    declare(name, told, allowed, meaning, false);
    return parsed(
            name,
            text ->
                Arrays.stream(all)
                    .filter(one -> word(one).equals(text.toLowerCase(Locale.ROOT)))
                    .findFirst(),
            allowed)
        .orElse(fallback);
  }

  /** Text that matches a pattern, or unset. */
  Optional<String> text(
      String name, @Nullable String fallback, Pattern form, String allowed, String meaning) {
    declare(name, fallback == null ? "none" : fallback, allowed, meaning, false);
    return parsed(name, text -> Optional.of(text).filter(form.asMatchPredicate()), allowed)
        .or(() -> Optional.ofNullable(fallback));
  }

  /** A secret, given itself or as {@code NAME_FILE}. */
  Optional<Secret> secret(String name, String meaning) {
    declare(name, "none", "printable text", meaning, true);
    return value(name)
        .filter(text -> {
          boolean fine = text.chars().noneMatch(Character::isISOControl) && text.length() <= 4096;
          if (!fine) {
            hiddenFault(name, "expected: printable text of one line, at most 4096 characters");
          }
          return fine;
        })
        .map(Secret::new);
  }

  /** A path in the file system. */
  Path path(String name, String fallback, String meaning) {
    declare(name, fallback, PATH, meaning, false);
    return parsed(name, Env::asPath, PATH).orElse(Path.of(fallback));
  }

  /** A path in the file system, or none. */
  Optional<Path> optionalPath(String name, String meaning) {
    declare(name, "none", PATH, meaning, false);
    return parsed(name, Env::asPath, PATH);
  }

  private static Optional<Path> asPath(String text) {
    try {
      return Optional.of(Path.of(text));
    } catch (InvalidPathException no) {
      return Optional.empty();
    }
  }

  /** An address of this machine to listen on. */
  InetAddress address(String name, String fallback, String meaning) {
    String allowed = "an IP address, or localhost";
    declare(name, fallback, allowed, meaning, false);
    return parsed(name, Env::literal, allowed).orElseGet(() -> InetAddress.ofLiteral(fallback));
  }

  /** A comma-separated list of {@code host:port}; the port has a default. */
  List<HostPort> addresses(String name, int defaultPort, String meaning) {
    String allowed = "host:port, comma-separated";
    declare(name, "none", allowed, meaning, false);
    return list(name, text -> HostPort.parse(text, defaultPort), allowed);
  }

  /** A comma-separated list of address blocks. */
  List<Cidr> cidrs(String name, String meaning) {
    String allowed = "CIDR blocks such as 10.0.0.0/8 or fd00::/8, comma-separated";
    declare(name, "none", allowed, meaning, false);
    return list(name, Cidr::parse, allowed);
  }

  /** A URL of one of the given schemes, with a host. */
  Optional<URI> url(String name, List<String> schemes, String allowed, String meaning) {
    declare(name, "none", allowed, meaning, false);
    return parsed(name, text -> parseUrl(text, schemes), allowed);
  }

  /** A URL that may contain a password: can be read from a file, and is never printed. */
  Optional<URI> secretUrl(
      String name, String told, List<String> schemes, String allowed, String meaning) {
    declare(name, told, allowed, meaning, true);
    return value(name)
        .flatMap(text -> {
          Optional<URI> url = parseUrl(text, schemes);
          if (url.isEmpty()) {
            hiddenFault(name, "expected: " + allowed);
          }
          return url;
        });
  }

  /** All variables with this prefix, sorted and unchanged. */
  Map<String, String> startingWith(String prefix, String allowed, String meaning) {
    declare(prefix + "*", "none", allowed, meaning, false);
    Map<String, String> found = new TreeMap<>();
    given.forEach((name, text) -> {
      if (name.startsWith(prefix)) {
        found.put(name, text);
      }
    });
    return found;
  }

  private void declare(
      String name, String fallback, String allowed, String meaning, boolean secret) {
    String preset = presets.get(name);
    String told = preset == null ? fallback : preset;
    declared.add(new Setting(section, name, told, allowed, meaning, secret));
  }

  private long number(String name, long fallback, String told, long min, long max, String meaning) {
    String allowed = min + " to " + max;
    declare(name, told, allowed, meaning, false);
    return parsed(name, text -> wholeNumber(text, min, max), allowed).orElse(fallback);
  }

  private <T> Optional<T> parsed(
      String name, Function<String, Optional<T>> parser, String allowed) {
    return value(name)
        .flatMap(text -> {
          Optional<T> parsed = parser.apply(text);
          if (parsed.isEmpty()) {
            faults.add(new Fault(name, quoted(text), "expected: " + allowed));
          }
          return parsed;
        });
  }

  private <T> List<T> list(String name, Function<String, Optional<T>> parser, String allowed) {
    List<T> all = new ArrayList<>();
    for (String part : value(name).orElse("").split(",", -1)) {
      String text = part.strip();
      if (!text.isEmpty()) {
        parser
            .apply(text)
            .ifPresentOrElse(
                all::add, () -> faults.add(new Fault(name, quoted(text), "expected: " + allowed)));
      }
    }
    return List.copyOf(all);
  }

  /** The value of a variable, of its file if it is a secret, or of a preset. */
  private Optional<String> value(String name) {
    String text = given.get(name);
    String file = given.get(name + "_FILE");
    boolean secret =
        declared.stream().anyMatch(setting -> setting.name().equals(name) && setting.secret());
    if (secret && file != null) {
      if (text != null) {
        hiddenFault(name, "is also set as " + name + "_FILE; set only one of them");
        return Optional.empty();
      }
      return fileOf(name + "_FILE", file);
    }
    if (text != null) {
      return Optional.of(text.strip());
    }
    return Optional.ofNullable(presets.get(name));
  }

  private Optional<String> fileOf(String name, String file) {
    try {
      String text = Files.readString(Path.of(file.strip()), StandardCharsets.UTF_8).strip();
      if (text.isEmpty()) {
        faults.add(new Fault(name, quoted(file), "expected: a non-empty file"));
        return Optional.empty();
      }
      return Optional.of(text);
    } catch (IOException | InvalidPathException unreadable) {
      faults.add(new Fault(name, quoted(file), "expected: a readable text file"));
      return Optional.empty();
    }
  }

  private static Optional<Long> wholeNumber(String text, long min, long max) {
    if (!text.matches("-?[0-9]{1,18}")) {
      return Optional.empty();
    }
    long number = Long.parseLong(text);
    return number < min || number > max ? Optional.empty() : Optional.of(number);
  }

  private static Optional<InetAddress> literal(String text) {
    try {
      return Optional.of(
          InetAddress.ofLiteral(text.equalsIgnoreCase("localhost") ? "127.0.0.1" : text));
    } catch (IllegalArgumentException no) {
      return Optional.empty();
    }
  }

  static Optional<URI> parseUrl(String text, List<String> schemes) {
    try {
      URI url = new URI(text);
      boolean fine =
          url.getScheme() != null
              && schemes.contains(url.getScheme().toLowerCase(Locale.ROOT))
              && HostPort.of(url, 1).isPresent()
              && url.getRawFragment() == null;
      return fine ? Optional.of(url) : Optional.empty();
    } catch (URISyntaxException no) {
      return Optional.empty();
    }
  }

  private static String word(Enum<?> one) {
    return one.name().toLowerCase(Locale.ROOT);
  }

  static String quoted(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    text.codePoints()
        .limit(SHOWN_MAX)
        .forEach(point -> {
          if (Character.isISOControl(point)) {
            quoted.append(String.format("\\u%04x", point));
          } else {
            quoted.appendCodePoint(point);
          }
        });
    return quoted.append(text.length() > SHOWN_MAX ? "…\"" : "\"").toString();
  }
}
