package io.taskrunner.schedule;

import java.util.ArrayList;
import java.util.List;

/** Finds parts of an expression whose cron meaning the author likely did not intend. */
final class Surprises {

  private static final List<String> FIELDS = List.of("second", "minute", "hour");
  private static final int[] SIZES = {60, 60, 24};
  private static final List<String> WHOLE = List.of("minute", "hour", "day");

  private Surprises() {}

  /**
   * A sentence for each.
   *
   * @param fields six, the seconds first
   */
  static List<String> of(List<String> fields) {
    List<String> found = new ArrayList<>();
    for (int i = 0; i < FIELDS.size(); i++) {
      String field = fields.get(i);
      int slash = field.indexOf("*/");
      if (slash == 0 && field.indexOf(',') < 0) {
        step(Integer.parseInt(field.substring(2)), i, field, found);
      }
    }
    boolean day = !fields.get(3).startsWith("*") && !fields.get(3).startsWith("?");
    boolean weekday = !fields.get(5).startsWith("*") && !fields.get(5).startsWith("?");
    if (day && weekday) {
      found.add("day of month and day of week: a day that either of them names is enough");
    } else if (weekday && fields.get(3).startsWith("*/")) {
      found.add(
          "day of month and day of week: a day must be right for both, since the first is a step");
    }
    return found;
  }

  private static void step(int step, int i, String field, List<String> found) {
    String name = FIELDS.get(i);
    String whole = WHOLE.get(i);
    if (step >= SIZES[i]) {
      found.add(name + ": " + field + " is 0 alone, since steps begin anew with each " + whole);
    } else if (SIZES[i] % step != 0) {
      found.add(
          name
              + ": "
              + field
              + " begins anew with each "
              + whole
              + ", so the last step of one is shorter than the others");
    }
  }
}
