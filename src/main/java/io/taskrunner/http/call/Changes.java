package io.taskrunner.http.call;

import io.taskrunner.http.call.JsonOut.Members;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The effect of a change on settings, for the audit trail: each field, with its old and new value.
 */
public final class Changes {

  /** How many fields of one change are named; the rest is counted. */
  private static final int MOST = 40;

  private static final int VALUES_MAX = 100_000;

  /** How many characters of a value are named. */
  private static final int VALUE_MAX = 500;

  private Changes() {}

  /**
   * Settings as they may be shown, and exactly, to detect changes.
   *
   * @param shown without secrets
   */
  public record Version(Members shown, Members exact) {
    /** Of settings without secrets. */
    public static Version of(Members settings) {
      return new Version(settings, settings);
    }
  }

  /**
   * Names and texts, alternately: {@code weight}, {@code 1 -> 3}. Of a secret only the fact that it
   * changed is included.
   *
   * @param before empty when there was nothing
   */
  public static List<String> between(Optional<Version> before, Version after) {
    Map<String, String> was = flat(before.map(Version::exact));
    Map<String, String> is = flat(Optional.of(after.exact()));
    Map<String, String> wasShown = flat(before.map(Version::shown));
    Map<String, String> isShown = flat(Optional.of(after.shown()));
    List<String> told = new ArrayList<>();
    TreeSet<String> fields = new TreeSet<>(was.keySet());
    fields.addAll(is.keySet());
    fields.removeIf(field -> is.getOrDefault(field, "").equals(was.getOrDefault(field, "")));
    for (String field : fields) {
      if (told.size() == 2 * MOST) {
        told.add("more_fields");
        told.add(Integer.toString(fields.size() - MOST));
        break;
      }
      told.add(field);
      told.add(
          Shown.cut(wasShown.getOrDefault(field, "nothing"), VALUE_MAX)
              + " -> "
              + Shown.cut(isShown.getOrDefault(field, "nothing"), VALUE_MAX));
    }
    return told;
  }

  private static Map<String, String> flat(Optional<Members> settings) {
    Map<String, String> fields = new TreeMap<>();
    settings.ifPresent(
        members -> flatten("", Json.object(JsonOut.object(members), VALUES_MAX), fields));
    return fields;
  }

  private static void flatten(String name, Object value, Map<String, String> fields) {
    if (value instanceof Map<?, ?> object) {
      object.forEach((member, inner) ->
          flatten(name.isEmpty() ? "" + member : name + "." + member, inner, fields));
    } else if (value instanceof List<?> items) {
      fields.put(name, items.toString());
    } else {
      fields.put(name, value instanceof String text ? text : Shown.of(value));
    }
  }
}
