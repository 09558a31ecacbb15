package io.taskrunner.cli;

import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Model.CommandSpec;

/** The options that set the fields of the API, so that a rejection names what was typed. */
final class OptionNames {

  /** A field at the start of a message, or of a line of one. */
  private static final Pattern FIELD = Pattern.compile("(?m)^( *)([a-z_]+(?:\\.[a-z_]+)*)(?=: )");

  private static final Map<String, String> OPTIONS =
      Map.ofEntries(
          Map.entry("client_id", "--client"),
          Map.entry("task.url", "TARGET"),
          Map.entry("task.method", "--method"),
          Map.entry("task.headers", "--header"),
          Map.entry("task.body", "--body"),
          Map.entry("schedule_time", "--at"),
          Map.entry("expires_time", "--expires"),
          Map.entry("timeout_sec", "--timeout"),
          Map.entry("retention_sec", "--retention"),
          Map.entry("labels", "--label"),
          Map.entry("retry.max_retries", "--max-retries"),
          Map.entry("retry.min_backoff_sec", "--min-backoff"),
          Map.entry("retry.max_backoff_sec", "--max-backoff"),
          Map.entry("retry.max_duration_sec", "--retry-for"),
          Map.entry("callback.url", "--callback"),
          Map.entry("max_dispatches_per_sec", "--rate"),
          Map.entry("rate_limit.max_concurrent", "--max-concurrent"),
          Map.entry("rate_limit.requests_per_min", "--per-minute"),
          Map.entry("requests_per_min", "--per-minute"),
          Map.entry("allowed_queues", "--queues"),
          Map.entry("to_queue", "--to"),
          Map.entry("interval_sec", "--every"),
          Map.entry("time_zone", "--zone"),
          Map.entry("jitter_sec", "--jitter"),
          Map.entry("keep_sec", "--keep"),
          Map.entry("breaker_failure_threshold", "--breaker-threshold"),
          Map.entry("breaker_timeout_sec", "--breaker-timeout"));

  private OptionNames() {}

  /** A message with options of this command in place of fields. */
  static String in(String message, CommandSpec command) {
    return FIELD
        .matcher(message)
        .replaceAll(found -> {
          String field = found.group(2);
          String option = OPTIONS.getOrDefault(field, "--" + field.replace('_', '-'));
          boolean known =
              option.startsWith("--")
                  ? command.findOption(option) != null
                  : command.positionalParameters().stream()
                      .anyMatch(each -> each.paramLabel().equals(option));
          return Matcher.quoteReplacement(found.group(1) + (known ? option : field));
        });
  }
}
