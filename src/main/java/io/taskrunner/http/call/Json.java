package io.taskrunner.http.call;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads JSON strictly into plain values: {@link Map}, {@link List}, {@link String}, {@link Long},
 * {@link Double}, {@link Boolean} and {@link #NULL}. Duplicate keys, nesting over {@value
 * #DEPTH_MAX}, text after the value, and more values than a call can need are rejected while
 * reading, so that a small body cannot become a large tree.
 */
public final class Json {

  /** How deep objects and arrays may be nested. */
  public static final int DEPTH_MAX = 64;

  /** The value of a JSON {@code null}. */
  public static final Object NULL =
      new Object() {
        @Override
        public String toString() {
          return "null";
        }
      };

  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(10 * DEPTH_MAX)
                  .maxStringLength(32 << 20)
                  .build())
          .build();

  private final JsonParser parser;
  private int valuesLeft;

  private Json(JsonParser parser, int valuesMax) {
    this.parser = parser;
    this.valuesLeft = valuesMax;
  }

  /**
   * Reads one object.
   *
   * @param body UTF-8
   * @param valuesMax how many values it may hold, nested ones included
   * @throws Refusal 400, with a pointer where there is one
   */
  public static Map<String, Object> object(byte[] body, int valuesMax) {
    try (JsonParser parser = FACTORY.createParser(body)) {
      Object value = new Json(parser, valuesMax).document();
      if (value instanceof Map<?, ?>) {
        @SuppressWarnings("unchecked") // this class puts only string keys in
        Map<String, Object> object = (Map<String, Object>) value;
        return object;
      }
      throw refusal("", "the body: " + Shown.of(value) + " (expected: an object)");
    } catch (StreamConstraintsException over) {
      throw refusal("", "the body: a name, text or number exceeds the length limit");
    } catch (JsonProcessingException malformed) {
      var at = malformed.getLocation();
      throw refusal(
          "",
          "the body: malformed JSON"
              + (at == null
                  ? ""
                  : " near line " + at.getLineNr() + ", column " + at.getColumnNr()));
    } catch (IOException badUtf8) {
      throw refusal("", "the body: not UTF-8");
    }
  }

  private Object document() throws IOException {
    JsonToken first = parser.nextToken();
    if (first == null) {
      throw refusal("", "the body: missing (expected: an object)");
    }
    Object value = value(first, 0);
    if (parser.nextToken() != null) {
      throw refusal("", "the body: more than one JSON value");
    }
    return value;
  }

  private Object value(JsonToken token, int depth) throws IOException {
    if (--valuesLeft < 0) {
      throw refusal("", "the body: too many values");
    }
    return switch (token) {
      case VALUE_STRING -> parser.getText();
      case VALUE_NUMBER_INT -> integer();
      case VALUE_NUMBER_FLOAT -> parser.getDoubleValue();
      case VALUE_TRUE -> Boolean.TRUE;
      case VALUE_FALSE -> Boolean.FALSE;
      case VALUE_NULL -> NULL;
      case START_OBJECT -> object(deeper(depth));
      case START_ARRAY -> array(deeper(depth));
      case END_OBJECT, END_ARRAY, FIELD_NAME, NOT_AVAILABLE, VALUE_EMBEDDED_OBJECT ->
          throw new IllegalStateException("the parser gave " + token);
    };
  }

  private Object integer() throws IOException {
    return switch (parser.getNumberType()) {
      case INT, LONG -> parser.getLongValue();
      case BIG_INTEGER, FLOAT, DOUBLE, BIG_DECIMAL -> parser.getDoubleValue();
    };
  }

  private int deeper(int depth) {
    if (depth == DEPTH_MAX) {
      throw refusal(pointer(), "the body: nested deeper than " + DEPTH_MAX + " levels");
    }
    return depth + 1;
  }

  private Map<String, Object> object(int depth) throws IOException {
    Map<String, Object> members = new LinkedHashMap<>(8);
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String name = parser.currentName();
      if (members.put(name, value(parser.nextToken(), depth)) != null) {
        String pointer = pointer();
        throw refusal(pointer, Fields.name(pointer) + ": given twice");
      }
    }
    return members;
  }

  private List<Object> array(int depth) throws IOException {
    List<Object> items = new ArrayList<>(4);
    for (JsonToken token = parser.nextToken();
        token != JsonToken.END_ARRAY;
        token = parser.nextToken()) {
      items.add(value(token, depth));
    }
    return items;
  }

  private String pointer() {
    return parser.getParsingContext().pathAsPointer().toString();
  }

  private static Refusal refusal(String pointer, String detail) {
    return new Refusal(Problem.invalid(List.of(Fault.body(pointer, detail))));
  }

  /** A writer to memory cannot throw this. */
  static UncheckedIOException impossible(IOException e) {
    return new UncheckedIOException(e);
  }
}
