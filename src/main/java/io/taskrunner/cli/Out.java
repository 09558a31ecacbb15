package io.taskrunner.cli;

import java.io.PrintStream;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Where a command writes.
 *
 * @param to standard output
 * @param json whether to print the server's responses unchanged, for scripts
 * @param colour whether to use colours
 * @param width of the terminal, which tables are cut to
 * @param now the current time, for relative times
 */
record Out(PrintStream to, boolean json, boolean colour, int width, Instant now) {

  private static final String BOLD = "\u001b[1m";
  private static final String PLAIN = "\u001b[0m";

  /** A column: its title, and its value in a row. */
  record Column(String title, Function<Map<String, @Nullable Object>, String> value) {
    /** A column that shows a member. */
    static Column of(String title, String path) {
      return new Column(title, row -> Shown.text(row, path));
    }
  }

  /** Prints a line for people; nothing with --json. */
  void say(String line) {
    if (!json) {
      to.println(line);
    }
  }

  /** Prints a line for people, cut to the terminal. */
  void fit(String line) {
    say(cut(line));
  }

  /** Prints a response unchanged with --json; returns whether it did. */
  boolean raw(Api.Reply reply) {
    if (json && !reply.text().isEmpty()) {
      to.println(reply.text());
    }
    return json;
  }

  /** Prints a table; each column is as wide as its longest value. */
  void table(List<Map<String, @Nullable Object>> rows, List<Column> columns) {
    table(rows, columns, true);
  }

  /** Prints a table, or more rows of one without its titles. */
  void table(List<Map<String, @Nullable Object>> rows, List<Column> columns, boolean titled) {
    if (rows.isEmpty()) {
      to.println("(none)");
      return;
    }
    List<List<String>> lines = new ArrayList<>();
    lines.add(columns.stream().map(Column::title).toList());
    for (Map<String, @Nullable Object> row : rows) {
      lines.add(columns.stream().map(column -> column.value().apply(row)).toList());
    }
    int[] widths = new int[columns.size()];
    for (List<String> line : lines) {
      for (int i = 0; i < widths.length; i++) {
        widths[i] = Math.max(widths[i], width(line.get(i)));
      }
    }
    for (int i = titled ? 0 : 1; i < lines.size(); i++) {
      String line = cut(line(lines.get(i), widths));
      to.println(i == 0 && colour ? BOLD + line + PLAIN : line);
    }
  }

  private String cut(String line) {
    return width(line) <= width
        ? line
        : line.substring(0, line.offsetByCodePoints(0, Math.max(0, width - 1))) + "…";
  }

  private static int width(String text) {
    return text.codePointCount(0, text.length());
  }

  private static String line(List<String> cells, int[] widths) {
    StringBuilder line = new StringBuilder();
    for (int i = 0; i < cells.size(); i++) {
      line.append(cells.get(i));
      if (i < cells.size() - 1) {
        line.append(" ".repeat(widths[i] - width(cells.get(i)) + 2));
      }
    }
    return line.toString().stripTrailing();
  }

  /** Prints each member on a line of its own, nested members and the lines of a text indented. */
  void whole(Map<String, @Nullable Object> members) {
    whole(members, "");
  }

  private void whole(Map<String, @Nullable Object> members, String indent) {
    int widest = members.keySet().stream().mapToInt(String::length).max().orElse(0);
    members.forEach((name, value) -> {
      if (value instanceof Map<?, ?> inner && !inner.isEmpty()) {
        to.println(indent + name);
        whole(Shown.object(inner), indent + "  ");
      } else if (value instanceof List<?> items
          && !items.isEmpty()
          && items.getFirst() instanceof Map<?, ?>) {
        to.println(indent + name);
        items.forEach(item -> {
          to.println(indent + "  -");
          whole(Shown.object(item), indent + "    ");
        });
      } else if (value instanceof String text && text.stripTrailing().indexOf('\n') >= 0) {
        to.println(indent + name);
        text.stripTrailing()
            .lines()
            .forEach(line -> to.println(indent + "  " + Shown.harmless(line)));
      } else {
        to.println(
            indent + name + " ".repeat(widest - name.length() + 2) + Shown.text(members, name));
      }
    });
  }
}
