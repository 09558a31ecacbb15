package io.taskrunner.config;

import java.util.regex.Pattern;

/**
 * The dashboard, the page at {@code /ui/}.
 *
 * @param enabled whether it is served
 * @param name of this installation, which the dashboard displays; empty for none
 */
public record DashboardSettings(boolean enabled, String name) {

  private static final Pattern NAME = Pattern.compile("[^\\p{Cntrl}]{1,40}");

  static DashboardSettings read(Env env) {
    return new DashboardSettings(
        env.flag("DASHBOARD", true, "whether the dashboard is served at /ui/"),
        env.text(
                "DASHBOARD_NAME",
                null,
                NAME,
                "1 to 40 printable characters",
                "name of this installation, displayed by the dashboard, such as production")
            .orElse(""));
  }
}
