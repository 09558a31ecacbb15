package io.taskrunner.http.call;

import io.taskrunner.store.Given;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The members of one JSON object, taken one by one. Errors are collected with their pointers, and
 * null is returned for such a member, so that one pass finds every error; members left at {@link
 * #done} are unknown fields.
 */
public final class Fields {

  /** The largest number of seconds that a field may hold: 31 years. */
  public static final long SECONDS_MAX = 1_000_000_000;

  private final Map<String, Object> members;
  private final String pointer;
  private final Faults faults;

  /**
   * Takes the object over: each member that is read is removed from it.
   *
   * @param pointer of the object; empty for the entire body
   */
  public Fields(Map<String, Object> members, String pointer, Faults faults) {
    this.members = members;
    this.pointer = pointer;
    this.faults = faults;
  }

  /** Collects the errors. */
  public Faults faults() {
    return faults;
  }

  /** The pointer of a member. */
  public String pointer(String name) {
    return pointer + "/" + (name.indexOf('~') < 0 && name.indexOf('/') < 0 ? name : escaped(name));
  }

  private static String escaped(String name) {
    return name.replace("~", "~0").replace("/", "~1");
  }

  /** Some of the fields, as they are given. */
  public Map<String, Object> of(List<String> names) {
    Map<String, Object> some = new LinkedHashMap<>(members);
    some.keySet().retainAll(names);
    return some;
  }

  /** Whether a field is present; null counts as present. */
  public boolean has(String name) {
    return members.containsKey(name);
  }

  /** Whether a member is present and not null. */
  public boolean hasValue(String name) {
    Object value = members.get(name);
    return value != null && value != Json.NULL;
  }

  /** The change of a field: nothing when its member is absent; null unsets the field. */
  public <T> Given<T> given(String name, Function<String, @Nullable T> read) {
    if (!has(name)) {
      return Given.nothing();
    }
    nullIsAbsent(name);
    return Given.of(read.apply(name));
  }

  /** Takes null for an absent member. */
  public Fields nullIsAbsent(String... names) {
    for (String name : names) {
      members.remove(name, Json.NULL);
    }
    return this;
  }

  /** Records an error of a member. */
  public void fault(String name, String what) {
    String at = pointer(name);
    faults.add(Fault.body(at, name(at) + ": " + what));
  }

  /** Notes that the object's own name is invalid. */
  public void wrongName(String expected) {
    String given = pointer.substring(pointer.lastIndexOf('/') + 1);
    String name = given.replace("~1", "/").replace("~0", "~");
    faults.add(
        Fault.body(
            pointer,
            name(pointer) + ": the name " + Shown.of(name) + " (expected: " + expected + ")"));
  }

  /** Notes an invalid value. */
  public void fault(String name, Object value, String expected) {
    fault(name, Shown.of(value) + " (expected: " + expected + ")");
  }

  /** Notes a missing required member. */
  public void missing(String name, String expected) {
    fault(name, "missing (expected: " + expected + ")");
  }

  /** A text; null when it is absent or invalid. */
  public @Nullable String text(String name) {
    Object value = members.remove(name);
    if (value == null || value instanceof String) {
      return (String) value;
    }
    fault(name, value, "text");
    return null;
  }

  /** A text that can be written as UTF-8, which one with half a surrogate pair cannot. */
  public @Nullable String unicode(String name) {
    String value = text(name);
    if (value != null && !isUnicode(value)) {
      fault(name, "has an unpaired surrogate (expected: valid Unicode)");
      return null;
    }
    return value;
  }

  /** A text of a given format. */
  public @Nullable String text(String name, Pattern form, String expected) {
    String value = text(name);
    if (value == null || form.matcher(value).matches()) {
      return value;
    }
    fault(name, value, expected);
    return null;
  }

  /** A whole number. */
  public @Nullable Integer integer(String name, int min, int max) {
    Object value = members.remove(name);
    if (value == null) {
      return null;
    }
    if (value instanceof Long number && number >= min && number <= max) {
      return number.intValue();
    }
    fault(name, value, "a whole number from " + min + " to " + max);
    return null;
  }

  /** A whole number beyond 31 bits. */
  public @Nullable Long longInteger(String name, long min, long max) {
    Object value = members.remove(name);
    if (value == null) {
      return null;
    }
    if (value instanceof Long number && number >= min && number <= max) {
      return number;
    }
    fault(name, value, "a whole number from " + min + " to " + max);
    return null;
  }

  /** A number above 0. */
  public @Nullable Double positive(String name, double max) {
    Object value = members.remove(name);
    if (value == null) {
      return null;
    }
    double number = value instanceof Number given ? given.doubleValue() : Double.NaN;
    if (number > 0 && number <= max) {
      return number;
    }
    fault(name, value, "a number above 0, at most " + Shown.plain(max));
    return null;
  }

  /**
   * A number of seconds, to the millisecond.
   *
   * @param above0 whether 0 is rejected; larger values are at least 1 ms
   */
  public @Nullable Duration seconds(String name, boolean above0, long max) {
    Object value = members.remove(name);
    if (value == null) {
      return null;
    }
    double number = value instanceof Number given ? given.doubleValue() : Double.NaN;
    if (number >= 0 && number <= max && !(above0 && number == 0)) {
      long millis = Math.round(number * 1000);
      return Duration.ofMillis(millis == 0 && number > 0 ? 1 : millis);
    }
    fault(
        name,
        value,
        "a number of seconds" + (above0 ? " above 0" : " from 0") + ", at most " + max);
    return null;
  }

  /** True or false. */
  public @Nullable Boolean flag(String name) {
    Object value = members.remove(name);
    if (value == null || value instanceof Boolean) {
      return (Boolean) value;
    }
    fault(name, value, "true or false");
    return null;
  }

  /** A time of RFC 3339. */
  public @Nullable Instant time(String name) {
    Object value = members.remove(name);
    if (value == null) {
      return null;
    }
    Optional<Instant> time = value instanceof String text ? Times.parse(text) : Optional.empty();
    if (time.isEmpty()) {
      fault(name, value, "an RFC 3339 timestamp, such as 2026-01-31T12:00:00Z");
      return null;
    }
    return time.get();
  }

  /** An object. */
  public @Nullable Fields object(String name) {
    Object value = members.remove(name);
    if (value == null) {
      return null;
    }
    if (value instanceof Map<?, ?>) {
      return new Fields(asObject(value), pointer(name), faults);
    }
    fault(name, value, "an object");
    return null;
  }

  /** An array. */
  public @Nullable List<?> array(String name) {
    Object value = members.remove(name);
    if (value == null || value instanceof List<?>) {
      return (List<?>) value;
    }
    fault(name, value, "an array");
    return null;
  }

  /** An array of texts of a given format. */
  public @Nullable List<String> texts(String name, Pattern form, String expected) {
    List<?> items = array(name);
    if (items == null) {
      return null;
    }
    List<String> texts = new ArrayList<>(items.size());
    for (int i = 0; i < items.size(); i++) {
      if (items.get(i) instanceof String text && form.matcher(text).matches()) {
        texts.add(text);
      } else {
        String at = pointer(name) + "/" + i;
        faults.add(
            Fault.body(
                at, name(at) + ": " + Shown.of(items.get(i)) + " (expected: " + expected + ")"));
      }
    }
    return texts;
  }

  /** All remaining members, to be checked one by one; each counts as taken then. */
  public Map<String, Object> rest() {
    Map<String, Object> rest = new LinkedHashMap<>(members);
    members.clear();
    return rest;
  }

  /** Notes every member that was not taken. */
  public void done() {
    if (!members.isEmpty()) {
      for (String name : members.keySet()) {
        String at = pointer(name);
        faults.add(Fault.body(at, name(at) + ": unknown field"));
      }
    }
  }

  /** A value that is known to be an object of {@link Json}. */
  @SuppressWarnings("unchecked") // JSON maps have only string keys
  public static Map<String, Object> asObject(Object value) {
    return (Map<String, Object>) value;
  }

  /** Whether every surrogate of a text has its other half. */
  public static boolean isUnicode(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (Character.isSurrogate(c)) {
        if (!Character.isHighSurrogate(c)
            || i + 1 == text.length()
            || !Character.isLowSurrogate(text.charAt(i + 1))) {
          return false;
        }
        i++;
      }
    }
    return true;
  }

  /** The place of a pointer as named in a sentence, such as {@code task.url}. */
  static String name(String pointer) {
    String name =
        pointer.isEmpty()
            ? "the body"
            : pointer.substring(1).replace('/', '.').replace("~1", "/").replace("~0", "~");
    return Shown.cut(name);
  }
}
