package io.taskrunner.store.redis.record;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;

/** Labels as a JSON object (RFC 8259), for the callback that a script creates. */
public final class LabelsJson {

  private LabelsJson() {}

  public static byte[] of(Map<String, String> labels) {
    StringBuilder json = new StringBuilder("{");
    new TreeMap<>(labels)
        .forEach((name, value) -> {
          json.append(json.length() > 1 ? "," : "");
          text(json, name);
          json.append(':');
          text(json, value);
        });
    return json.append('}').toString().getBytes(StandardCharsets.UTF_8);
  }

  private static void text(StringBuilder json, String text) {
    json.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        json.append('\\').append(c);
      } else if (c < ' ') {
        json.append(String.format("\\u%04x", (int) c));
      } else {
        json.append(c);
      }
    }
    json.append('"');
  }
}
