package io.taskrunner.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.StringWriter;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The complete configuration, put together from pages: the sections follow one another in all of
 * them, and a page continues in the section in which the one before ended.
 */
final class Document {

  private static final String PATH = "/admin/config";
  private static final int PAGE = 1000;
  private static final String CURSOR = "next_cursor";

  /** A member of the document itself: all that is in one is indented. */
  private static final Pattern MEMBER = Pattern.compile("([a-z_]+):(?: (.*))?");

  private static final JsonFactory FACTORY = new JsonFactory();

  private final Api api;

  Document(Api api) {
    this.api = api;
  }

  private String page(@Nullable String format, @Nullable String cursor) throws Failure {
    Map<String, @Nullable Object> query = new LinkedHashMap<>();
    query.put("format", format);
    query.put("limit", PAGE);
    query.put("cursor", cursor);
    return api.get(Api.query(PATH, query)).text();
  }

  /** As JSON. */
  String json() throws Failure {
    StringWriter text = new StringWriter();
    try (JsonGenerator out = FACTORY.createGenerator(text)) {
      out.writeStartObject();
      String section = "";
      String cursor = null;
      do {
        String before = cursor;
        cursor = null;
        try (JsonParser page = FACTORY.createParser(page(null, before))) {
          page.nextToken();
          while (page.nextToken() == JsonToken.FIELD_NAME) {
            String name = page.currentName();
            boolean isSection = page.nextToken() == JsonToken.START_OBJECT;
            if (name.equals(CURSOR)) {
              cursor = page.getValueAsString();
            } else if (isSection) {
              if (!name.equals(section)) {
                end(out, section);
                out.writeObjectFieldStart(name);
                section = name;
              }
              while (page.nextToken() != JsonToken.END_OBJECT) {
                out.copyCurrentStructure(page); // a name, and its content
              }
            } else if (before == null) {
              out.writeFieldName(name);
              out.copyCurrentEvent(page);
            }
          }
        }
      } while (cursor != null);
      end(out, section);
      out.writeEndObject();
    } catch (IOException unreadable) {
      throw new Failure(Failure.UNREACHABLE, "the answer is no configuration");
    }
    return text.toString();
  }

  private static void end(JsonGenerator out, String section) throws IOException {
    if (!section.isEmpty()) {
      out.writeEndObject();
    }
  }

  /** As YAML. */
  String yaml() throws Failure {
    Map<String, StringBuilder> members = new LinkedHashMap<>();
    String cursor = null;
    do {
      String page = page("yaml", cursor);
      cursor = null;
      StringBuilder member = new StringBuilder();
      for (String line : page.stripTrailing().split("\n", -1)) {
        Matcher start = MEMBER.matcher(line);
        if (!start.matches()) {
          member.append(line).append('\n');
          continue;
        }
        String value = start.group(2) == null ? "" : start.group(2);
        if (start.group(1).equals(CURSOR)) {
          cursor = value.equals("null") ? null : value.replaceAll("['\"]", "");
          member = new StringBuilder();
        } else {
          member = members.computeIfAbsent(start.group(1), _ -> new StringBuilder());
          if (!value.isEmpty() && !value.equals("{}")) {
            member.replace(0, member.length(), value);
          }
        }
      }
    } while (cursor != null);
    StringBuilder whole = new StringBuilder();
    members.forEach((name, content) -> {
      boolean isSection = content.indexOf("\n") >= 0;
      whole.append(name).append(isSection ? ":\n" : ": ");
      whole.append(isSection ? content : content.isEmpty() ? "{}\n" : content + "\n");
    });
    return whole.toString();
  }
}
