package io.taskrunner.http.call;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Writes JSON to memory. */
public final class JsonOut {

  private static final JsonFactory FACTORY = new JsonFactory();

  private final JsonGenerator out;

  private JsonOut(JsonGenerator out) {
    this.out = out;
  }

  /** What to write inside. */
  @FunctionalInterface
  public interface Members {
    /** Writes members, or items. */
    void write(JsonOut out) throws IOException;
  }

  /** One object, as UTF-8. */
  public static byte[] object(Members members) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(512);
    try (JsonGenerator generator = FACTORY.createGenerator(bytes)) {
      generator.writeStartObject();
      members.write(new JsonOut(generator));
      generator.writeEndObject();
    } catch (IOException e) {
      throw Json.impossible(e);
    }
    return bytes.toByteArray();
  }

  /** A member that is an object. */
  public void object(String name, Members members) throws IOException {
    out.writeFieldName(name);
    item(members);
  }

  /** An item that is an object. */
  public void item(Members members) throws IOException {
    out.writeStartObject();
    members.write(this);
    out.writeEndObject();
  }

  /** A member that is an array. */
  public void array(String name, Members items) throws IOException {
    out.writeArrayFieldStart(name);
    items.write(this);
    out.writeEndArray();
  }

  /** An item that is a text. */
  public void item(String value) throws IOException {
    out.writeString(value);
  }

  /** A member that is an array of texts. */
  public void texts(String name, List<String> values) throws IOException {
    array(
        name,
        items -> {
          for (String value : values) {
            items.item(value);
          }
        });
  }

  /** A text or null. */
  public void text(String name, @Nullable String value) throws IOException {
    out.writeStringField(name, value);
  }

  /** A whole number. */
  public void number(String name, long value) throws IOException {
    out.writeNumberField(name, value);
  }

  /** A whole number or null. */
  public void number(String name, @Nullable Integer value) throws IOException {
    if (value == null) {
      out.writeNullField(name);
    } else {
      out.writeNumberField(name, value);
    }
  }

  /** A number or null; without a fraction when it has none. */
  public void number(String name, @Nullable Double value) throws IOException {
    if (value == null) {
      out.writeNullField(name);
    } else if (value == Math.rint(value) && Math.abs(value) < 1e15) {
      out.writeNumberField(name, value.longValue());
    } else {
      out.writeNumberField(name, value);
    }
  }

  /** True or false. */
  public void flag(String name, boolean value) throws IOException {
    out.writeBooleanField(name, value);
  }

  /** A time. */
  public void time(String name, Instant value) throws IOException {
    out.writeStringField(name, Times.text(value));
  }
}
