package driver;

import java.util.Collection;
import java.util.Map;
import java.util.StringJoiner;

/** Writes maps, collections, strings, numbers and booleans as JSON. */
final class Json {
  private Json() {}

  static String write(Object value, String indent) {
    String inner = indent + "  ";
    return switch (value) {
      case Map<?, ?> map when !map.isEmpty() -> {
        var joiner = new StringJoiner(",\n", "{\n", "\n" + indent + "}");
        map.forEach(
            (key, item) -> joiner.add(inner + quote(key.toString()) + ": " + write(item, inner)));
        yield joiner.toString();
      }
      case Map<?, ?> _ -> "{}";
      case Collection<?> items when !items.isEmpty() -> {
        var joiner = new StringJoiner(",\n", "[\n", "\n" + indent + "]");
        items.forEach(item -> joiner.add(inner + write(item, inner)));
        yield joiner.toString();
      }
      case Collection<?> _ -> "[]";
      case Double number -> "%.4f".formatted(number).replaceAll("\\.?0+$", "");
      case Number number -> number.toString();
      case Boolean truth -> truth.toString();
      default -> quote(value.toString());
    };
  }

  static String quote(String text) {
    var quoted = new StringBuilder("\"");
    for (char c : text.toCharArray()) {
      switch (c) {
        case '"' -> quoted.append("\\\"");
        case '\\' -> quoted.append("\\\\");
        case '\n' -> quoted.append("\\n");
        default -> {
          if (c < ' ') {
            quoted.append("\\u%04x".formatted((int) c));
          } else {
            quoted.append(c);
          }
        }
      }
    }
    return quoted.append('"').toString();
  }
}
