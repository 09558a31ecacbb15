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
      found.add("day of month and day of week: runs on days that match either of them");
    } else if (weekday && fields.get(3).startsWith("*/")) {
      found.add(
          "day of month and day of week: runs only on days that match both, because the first is a step");
    }
    return found;
  }

  private static void step(int step, int i, String field, List<String> found) {
    String name = FIELDS.get(i);
    String whole = WHOLE.get(i);
    if (step >= SIZES[i]) {
      found.add(name + ": " + field + " matches only 0, because steps restart with each " + whole);
    } else if (SIZES[i] % step != 0) {
      found.add(
          name
              + ": "
              + field
              + " restarts with each "
              + whole
              + ", so the last interval of each is shorter");
    }
  }
}
