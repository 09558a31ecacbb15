package io.taskrunner.http.call;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Writes JSON to memory. */
public final class JsonOut {

  private static final JsonFactory FACTORY = new JsonFactory();

  private final JsonGenerator out;

  /** Whether null and empty objects are omitted. */
  private final boolean sparse;

  /** Names of nested objects that are still empty; when sparse. */
  private final List<String> pending = new ArrayList<>(0);

  private JsonOut(JsonGenerator out, boolean sparse) {
    this.out = out;
    this.sparse = sparse;
  }

  /** Writes the content. */
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
      members.write(new JsonOut(generator, false));
      generator.writeEndObject();
    } catch (IOException e) {
      throw Json.impossible(e);
    }
    return bytes.toByteArray();
  }

  /** The same members without those that are null or empty objects. */
  public static Members withoutNulls(Members members) {
    return to -> members.write(to.sparse ? to : new JsonOut(to.out, true));
  }

  private void name(String name) throws IOException {
    for (String object : pending) {
      out.writeObjectFieldStart(object);
    }
    pending.clear();
    out.writeFieldName(name);
  }

  /** Whether a member is present; a null one is written, or omitted. */
  private boolean has(String name, @Nullable Object value) throws IOException {
    if (value == null && sparse) {
      return false;
    }
    name(name);
    if (value == null) {
      out.writeNull();
    }
    return value != null;
  }

  /** A member that is an object. */
  public void object(String name, Members members) throws IOException {
    if (!sparse) {
      name(name);
      item(members);
      return;
    }
    pending.add(name);
    members.write(this);
    if (pending.isEmpty()) {
      out.writeEndObject();
    } else {
      pending.removeLast();
    }
  }

  /** An item that is an object. */
  public void item(Members members) throws IOException {
    out.writeStartObject();
    members.write(this);
    out.writeEndObject();
  }

  /** A member that is an array. */
  public void array(String name, Members items) throws IOException {
    name(name);
    out.writeStartArray();
    items.write(this);
    out.writeEndArray();
  }

  /** An item that is a text. */
  public void item(String value) throws IOException {
    out.writeString(value);
  }

  /** An item that is a number or null; without a fraction when it is integral. */
  public void item(@Nullable Double value) throws IOException {
    if (value == null) {
      out.writeNull();
    } else {
      write(value);
    }
  }

  /** A member that is an array of texts, or null. */
  public void texts(String name, @Nullable List<String> values) throws IOException {
    if (has(name, values)) {
      out.writeStartArray();
      for (String value : Objects.requireNonNull(values)) {
        item(value);
      }
      out.writeEndArray();
    }
  }

  /** A text or null. */
  public void text(String name, @Nullable String value) throws IOException {
    if (has(name, value)) {
      out.writeString(value);
    }
  }

  /** A whole number. */
  public void number(String name, long value) throws IOException {
    name(name);
    out.writeNumber(value);
  }

  /** A whole number or null. */
  public void number(String name, @Nullable Integer value) throws IOException {
    if (has(name, value)) {
      out.writeNumber(Objects.requireNonNull(value));
    }
  }

  /** A whole number beyond 31 bits, or null. */
  public void number(String name, @Nullable Long value) throws IOException {
    if (has(name, value)) {
      out.writeNumber(Objects.requireNonNull(value));
    }
  }

  /** A number or null; without a fraction when it is integral. */
  public void number(String name, @Nullable Double value) throws IOException {
    if (has(name, value)) {
      write(Objects.requireNonNull(value));
    }
  }

  private void write(double number) throws IOException {
    if (number == Math.rint(number) && Math.abs(number) < 1e15) {
      out.writeNumber((long) number);
    } else {
      out.writeNumber(number);
    }
  }

  /** A time in seconds, to the millisecond; or null. */
  public void seconds(String name, @Nullable Duration value) throws IOException {
    number(name, value == null ? null : (Double) (value.toMillis() / 1000.0));
  }

  /** True, false or null. */
  public void flag(String name, @Nullable Boolean value) throws IOException {
    if (has(name, value)) {
      out.writeBoolean(Objects.requireNonNull(value));
    }
  }

  /** A time or null. */
  public void time(String name, @Nullable Instant value) throws IOException {
    text(name, value == null ? null : Times.text(value));
  }
}
