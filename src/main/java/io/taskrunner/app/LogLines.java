package io.taskrunner.app;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.IThrowableProxy;
import ch.qos.logback.classic.spi.StackTraceElementProxy;
import ch.qos.logback.core.encoder.EncoderBase;
import io.taskrunner.config.LogSettings.Format;
import java.nio.charset.StandardCharsets;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Writes one line for each event of the log.
 *
 * <p>Text from outside cannot break out of its line or send control sequences to a terminal:
 * controls, line separators, marks that turn the direction of writing and halves of surrogate pairs
 * are escaped. No value takes more than {@link #VALUE_MAX} bytes.
 */
final class LogLines extends EncoderBase<ILoggingEvent> {

  /** The maximum size of a value of a line in UTF-8, before escaping. */
  static final int VALUE_MAX = 4096;

  private static final int CAUSES_MAX = 5;
  private static final int CAUSE_MESSAGE_MAX = 512;
  private static final int FRAMES_MAX = 12;
  private static final byte[] NOTHING = {};
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);
  private static final DateTimeFormatter TIME_OF_DAY =
      DateTimeFormatter.ofPattern("HH:mm:ss.SSS").withZone(ZoneOffset.UTC);

  private final Format format;

  LogLines(Format format) {
    this.format = format;
  }

  @Override
  public byte[] headerBytes() {
    return NOTHING;
  }

  @Override
  public byte[] footerBytes() {
    return NOTHING;
  }

  @Override
  public byte[] encode(ILoggingEvent event) {
    String line =
        switch (format) {
          case JSON -> json(event);
          case TEXT -> text(event);
        };
    return line.getBytes(StandardCharsets.UTF_8);
  }

  private static String json(ILoggingEvent event) {
    StringBuilder line = new StringBuilder(256);
    line.append("{\"time\":\"").append(TIME.format(event.getInstant()));
    line.append("\",\"level\":\"").append(event.getLevel().levelStr.toLowerCase(Locale.ROOT));
    line.append('"');
    member(line, "logger", event.getLoggerName());
    member(line, "thread", event.getThreadName());
    member(line, "message", event.getFormattedMessage());
    fields(event).forEach((name, value) -> member(line, name, value));
    String stack = stack(event.getThrowableProxy());
    if (stack != null) {
      member(line, "error", stack);
    }
    return line.append("}\n").toString();
  }

  private static void member(StringBuilder line, String name, @Nullable Object value) {
    line.append(",\"");
    escape(line, name, true);
    line.append("\":");
    if (value == null || value instanceof Boolean || isJsonNumber(value)) {
      line.append(value);
    } else {
      line.append('"');
      escape(line, String.valueOf(value), true);
      line.append('"');
    }
  }

  private static boolean isJsonNumber(Object value) {
    return switch (value) {
      case Integer _, Long _, Short _, Byte _ -> true;
      case Double number -> Double.isFinite(number);
      case Float number -> Float.isFinite(number);
      default -> false;
    };
  }

  private static String text(ILoggingEvent event) {
    StringBuilder line = new StringBuilder(256);
    line.append(TIME_OF_DAY.format(event.getInstant())).append(' ');
    line.append(String.format("%-5s ", event.getLevel()));
    String logger = event.getLoggerName();
    line.append(logger.substring(logger.lastIndexOf('.') + 1)).append(": ");
    escape(line, String.valueOf(event.getFormattedMessage()), false);
    fields(event)
        .forEach((name, value) -> {
          line.append(' ');
          escape(line, name, false);
          line.append('=');
          String shown = String.valueOf(value);
          boolean plain = !shown.isEmpty() && shown.chars().allMatch(c -> c > ' ' && c != '"');
          line.append(plain ? "" : "\"");
          escape(line, shown, !plain);
          line.append(plain ? "" : "\"");
        });
    line.append('\n');
    String stack = stack(event.getThrowableProxy());
    if (stack != null) {
      // People read a stack down the page; each of its lines is escaped and indented.
      for (String frame : limited(stack, VALUE_MAX).split("\n", -1)) {
        line.append("    ");
        escape(line, frame.strip(), false);
        line.append('\n');
      }
    }
    return line.toString();
  }

  /**
   * The fields of an event: of its thread first, its own win; names of the line itself are kept.
   */
  private static Map<String, @Nullable Object> fields(ILoggingEvent event) {
    Map<String, @Nullable Object> fields = new LinkedHashMap<>(event.getMDCPropertyMap());
    var pairs = event.getKeyValuePairs();
    if (pairs != null) {
      pairs.forEach(pair -> fields.put(pair.key, pair.value));
    }
    for (String taken : new String[] {"time", "level", "logger", "thread", "message", "error"}) {
      if (fields.containsKey(taken)) {
        fields.put(taken + "_", fields.remove(taken));
      }
    }
    return fields;
  }

  /**
   * An exception and its causes, each with its nearest frames: as many as leave room for the
   * causes, which are the most informative.
   */
  private static @Nullable String stack(@Nullable IThrowableProxy thrown) {
    if (thrown == null) {
      return null;
    }
    StringBuilder stack = new StringBuilder();
    IThrowableProxy one = thrown;
    for (int causes = 0; one != null && causes < CAUSES_MAX; causes++) {
      stack.append(causes == 0 ? "" : "\nCaused by: ").append(one.getClassName());
      if (one.getMessage() != null) {
        stack.append(": ").append(limited(one.getMessage(), CAUSE_MESSAGE_MAX));
      }
      StackTraceElementProxy[] frames = one.getStackTraceElementProxyArray();
      int own = Math.min(frames.length - one.getCommonFrames(), FRAMES_MAX);
      for (int i = 0; i < own; i++) {
        stack.append("\n\t").append(frames[i].getSTEAsString());
      }
      one = one.getCause();
    }
    return stack.toString();
  }

  /** The text, or as much of its beginning as fits into this many bytes with a truncation mark. */
  private static String limited(String text, int most) {
    if (text.length() <= most / 3) {
      return text;
    }
    int bytes = 0;
    int fits = 0;
    for (int i = 0; i < text.length(); ) {
      int point = text.codePointAt(i);
      bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
      i += Character.charCount(point);
      if (bytes <= most - 3) {
        fits = i;
      }
      if (bytes > most) {
        return text.substring(0, fits) + "…";
      }
    }
    return text;
  }

  private static void escape(StringBuilder line, String whole, boolean quoted) {
    String text = limited(whole, VALUE_MAX);
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '\n') {
        line.append("\\n");
      } else if (c == '\r') {
        line.append("\\r");
      } else if (c == '\t') {
        line.append("\\t");
      } else if (quoted && (c == '"' || c == '\\')) {
        line.append('\\').append(c);
      } else if (Character.isHighSurrogate(c)
          && i + 1 < text.length()
          && Character.isLowSurrogate(text.charAt(i + 1))) {
        line.append(c).append(text.charAt(++i));
      } else if (isForbidden(c)) {
        line.append(String.format("\\u%04x", (int) c));
      } else {
        line.append(c);
      }
    }
  }

  private static boolean isForbidden(char c) {
    return c < 0x20
        || (c >= 0x7f && c < 0xa0)
        || (c >= 0x200e && c <= 0x200f)
        || (c >= 0x2028 && c <= 0x202e)
        || (c >= 0x2066 && c <= 0x2069)
        || c == 0xfeff
        || Character.isSurrogate(c);
  }
}
