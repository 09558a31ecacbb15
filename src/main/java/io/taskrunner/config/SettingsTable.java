package io.taskrunner.config;

import java.util.List;
import java.util.Map;

/** The table of all variables, for a terminal and for the reference page. */
public final class SettingsTable {

  private static final int WIDTH = 100;

  private SettingsTable() {}

  /** The table of {@code task-runner settings}, ending with a line break. */
  public static String text(List<Setting> settings, Map<String, String> dev) {
    StringBuilder text = new StringBuilder();
    String section = "";
    for (Setting setting : settings) {
      if (!setting.section().equals(section)) {
        section = setting.section();
        text.append('\n').append(section).append(":\n");
      }
      text.append("  ").append(setting.name());
      if (setting.secret()) {
        text.append(" (or ").append(setting.name()).append("_FILE)");
      }
      text.append('\n');
      wrap(text, setting.meaning());
      wrap(text, "default: " + told(setting, dev) + "; allowed: " + setting.allowed());
    }
    return text.toString();
  }

  /** The table for the reference page. */
  public static String markdown(List<Setting> settings, Map<String, String> dev) {
    StringBuilder text = new StringBuilder();
    String section = "";
    for (Setting setting : settings) {
      if (!setting.section().equals(section)) {
        section = setting.section();
        text.append("\n## ").append(section).append("\n\n");
        text.append("| variable | default | allowed | meaning |\n| --- | --- | --- | --- |\n");
      }
      text.append("| `")
          .append(setting.name())
          .append(setting.secret() ? "` or `" + setting.name() + "_FILE" : "")
          .append("` | ")
          .append(told(setting, dev))
          .append(" | ")
          .append(setting.allowed())
          .append(" | ")
          .append(setting.meaning())
          .append(" |\n");
    }
    return text.toString();
  }

  private static String told(Setting setting, Map<String, String> dev) {
    String inDev = dev.get(setting.name());
    return setting.fallback() + (inDev == null ? "" : "; in dev " + inDev);
  }

  private static void wrap(StringBuilder text, String sentence) {
    String indent = "      ";
    int column = 0;
    for (String word : sentence.split(" ", -1)) {
      boolean first = column == 0;
      if (first || column + 1 + word.length() > WIDTH) {
        text.append(first ? indent : "\n" + indent).append(word);
        column = indent.length() + word.length();
      } else {
        text.append(' ').append(word);
        column += 1 + word.length();
      }
    }
    text.append('\n');
  }
}
