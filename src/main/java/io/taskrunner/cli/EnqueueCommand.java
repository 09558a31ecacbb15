package io.taskrunner.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Enqueues one task. */
@Command(
    name = "enqueue",
    description = "Enqueue a task: an HTTP request to send.",
    footer = {
      "",
      "Examples:",
      "  task-runner enqueue https://api.example.com/hook --client my-service --body '{\"a\": 1}'",
      "  task-runner enqueue https://api.example.com/hook -c my-service --delay 10m --queue critical",
      "  task-runner enqueue -c my-service --file tasks.jsonl",
      "  cat report.pdf | task-runner enqueue https://api.example.com/in --body-file - \\",
      "      -H 'Content-Type: application/pdf' --idempotency-key report-17"
    })
final class EnqueueCommand extends Verb {

  @Parameters(
      arity = "0..1",
      paramLabel = "TARGET",
      description = "URL to send the request to (http or https).")
  private @Nullable String target;

  @Option(
      names = "--file",
      paramLabel = "FILE",
      description =
          "Enqueue many tasks: one JSON object per line, as in the API; - for standard input. Other"
              + " options are defaults for all of them.")
  private @Nullable String file;

  @Option(
      names = "--copy-of",
      paramLabel = "TASK",
      description =
          "Copy a task, secrets included: TARGET and the other options replace what they name.")
  private @Nullable String copyOf;

  @Mixin private final TaskOptions task = new TaskOptions();

  @Option(
      names = "--delay",
      paramLabel = "TIME",
      converter = Spans.Converter.class,
      description = "Wait before the first attempt: seconds, or a time such as 500ms, 10m or 2h.")
  private Spans.@Nullable Seconds delay;

  @Option(
      names = "--at",
      paramLabel = "TIME",
      description = "Do not start before this time (RFC 3339).")
  private @Nullable String at;

  @Option(
      names = "--expires",
      paramLabel = "TIME",
      description = "Do not start after this time (RFC 3339).")
  private @Nullable String expires;

  @Option(
      names = "--idempotency-key",
      paramLabel = "KEY",
      description = "Repeating a call with the same key creates only one task.")
  private @Nullable String idempotencyKey;

  @Override
  int run(Api api, Out out) throws Failure {
    if (file == null ? target == null && copyOf == null : target != null || copyOf != null) {
      throw new Failure(
          Failure.MISUSED, "TARGET, --copy-of or --file: expected one of them; --file alone");
    }
    Map<String, @Nullable Object> body = task.fields(target, api, around());
    if (copyOf != null && task.client == null) {
      body.remove("client_id"); // that of the task
    }
    body.putAll(
        members(
            "copy_of",
            copyOf,
            "delay",
            Spans.of(delay),
            "schedule_time",
            at,
            "expires_time",
            expires,
            "idempotency_key",
            idempotencyKey));
    if (file != null) {
      return new TaskFile(api, out, body).enqueue(file, around());
    }
    Api.Reply reply = api.post("/v1/enqueue", body);
    if (!out.raw(reply)) {
      Map<String, @Nullable Object> answer = reply.object();
      out.say(
          Shown.text(answer, "task_id")
              + "  "
              + Shown.text(answer, "status")
              + " in "
              + Shown.text(answer, "queue")
              + ("duplicate".equals(answer.get("status"))
                  ? ", created by an earlier call"
                  : starts(api, answer, out)));
    }
    return 0;
  }

  /** When the task starts, or what keeps it from starting now. */
  private static String starts(Api api, Map<String, @Nullable Object> enqueued, Out out)
      throws Failure {
    String when = Shown.ago(enqueued, "scheduled_time", out.now());
    if (enqueued.get("waits") == null || when.startsWith("in ")) {
      return ", runs " + when;
    }
    List<String> reasons = TasksCommands.waits(api, Shown.text(enqueued, "task_id"));
    return ", waits: " + (reasons.isEmpty() ? Shown.text(enqueued, "waits") : reasons.getFirst());
  }

  /** The options that define a task, here and in a schedule. */
  static final class TaskOptions {
    @Option(
        names = {"-c", "--client"},
        paramLabel = "ID",
        description =
            "Client that the task belongs to (default: that of --key, $TASK_RUNNER_CLIENT, or dev on this"
                + " machine).")
    private @Nullable String client;

    @Option(
        names = {"-q", "--queue"},
        paramLabel = "NAME",
        description = "Name of the queue (default: default).")
    private @Nullable String queue;

    @Option(
        names = {"-X", "--method"},
        paramLabel = "METHOD",
        description = "HTTP method (default: POST).")
    private @Nullable String method;

    @Option(
        names = {"-H", "--header"},
        paramLabel = "'NAME: VALUE'",
        description = "Request header; can be repeated.")
    private List<String> headers = List.of();

    @Option(
        names = {"-d", "--body"},
        paramLabel = "TEXT",
        description = "Request body.")
    private @Nullable String body;

    @Option(
        names = "--body-file",
        paramLabel = "FILE",
        description = "Read the request body from a file; - for standard input.")
    private @Nullable String bodyFile;

    @Option(
        names = {"-l", "--label"},
        paramLabel = "NAME=VALUE",
        description = "Label of the task, also NAME:VALUE; can be repeated.")
    private List<String> labels = List.of();

    @Option(
        names = "--timeout",
        paramLabel = "TIME",
        converter = Spans.Converter.class,
        description = "Time limit for one attempt, such as 30s or 5m.")
    private Spans.@Nullable Seconds timeout;

    @Option(names = "--max-retries", paramLabel = "N", description = "Maximum number of retries.")
    private @Nullable Integer maxRetries;

    @Option(
        names = "--retention",
        paramLabel = "TIME",
        converter = Spans.Converter.class,
        description = "How long to keep the task after it has finished, such as 7d.")
    private Spans.@Nullable Seconds retention;

    @Option(
        names = "--min-backoff",
        paramLabel = "TIME",
        converter = Spans.Converter.class,
        description = "Wait before the first retry; it doubles with each (default: 20s).")
    private Spans.@Nullable Seconds minBackoff;

    @Option(
        names = "--max-backoff",
        paramLabel = "TIME",
        converter = Spans.Converter.class,
        description = "Longest wait between retries (default: 1h).")
    private Spans.@Nullable Seconds maxBackoff;

    @Option(
        names = "--retry-for",
        paramLabel = "TIME",
        converter = Spans.Converter.class,
        description = "Stop retrying this long after the first attempt (default: no limit).")
    private Spans.@Nullable Seconds retryFor;

    @Option(names = "--retry-4xx", description = "Retry after 3xx and all 4xx too.")
    private boolean retryClientErrors;

    @Option(
        names = "--callback",
        paramLabel = "URL",
        description = "Send a request to this URL when the task has succeeded or is dead.")
    private @Nullable String callback;

    /**
     * The client that is named, or TASK_RUNNER_CLIENT; on this machine, where {@code dev} needs no
     * key, else one of that name.
     */
    private @Nullable String client(Api api, Surroundings around) {
      if (client != null) {
        return client;
      }
      String usual = around.variable("TASK_RUNNER_CLIENT");
      boolean open = api.key() == null && api.adminKey() == null && api.isLocal();
      return usual == null && open ? "dev" : usual;
    }

    Map<String, @Nullable Object> fields(@Nullable String target, Api api, Surroundings around)
        throws Failure {
      Map<String, @Nullable Object> request = members("url", target, "method", method);
      if (!headers.isEmpty()) {
        Map<String, Object> named = new LinkedHashMap<>();
        for (String header : headers) {
          int colon = header.indexOf(':');
          if (colon < 1) {
            throw new Failure(
                Failure.MISUSED, "--header: \"" + header + "\" (expected: 'Name: value')");
          }
          named.put(header.substring(0, colon).strip(), header.substring(colon + 1).strip());
        }
        request.put("headers", named);
      }
      body(request, around);
      Map<String, @Nullable Object> retry =
          members(
              "max_retries",
              maxRetries,
              "min_backoff_sec",
              Spans.of(minBackoff),
              "max_backoff_sec",
              Spans.of(maxBackoff),
              "max_duration_sec",
              Spans.of(retryFor),
              "retry_client_errors",
              retryClientErrors ? true : null);
      return members(
          "client_id",
          client(api, around),
          "queue",
          queue,
          "task",
          request,
          "labels",
          Labels.of(labels),
          "timeout_sec",
          Spans.of(timeout),
          "retention_sec",
          Spans.of(retention),
          "callback",
          callback == null ? null : members("url", callback),
          "retry",
          retry.isEmpty() ? null : retry);
    }

    private void body(Map<String, @Nullable Object> request, Surroundings around) throws Failure {
      if (body != null && bodyFile != null) {
        throw new Failure(Failure.MISUSED, "--body and --body-file: expected only one of them");
      }
      if (bodyFile == null) {
        if (body != null) {
          request.put("body", body);
        }
        return;
      }
      byte[] bytes;
      try {
        bytes =
            bodyFile.equals("-")
                ? around.in().readAllBytes()
                : Files.readAllBytes(Path.of(bodyFile));
      } catch (IOException unreadable) {
        throw new Failure(
            Failure.MISUSED,
            "--body-file: " + bodyFile + " cannot be read; check the path and its permissions");
      }
      try {
        request.put(
            "body", StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString());
      } catch (CharacterCodingException notText) {
        request.put("body_base64", Base64.getEncoder().encodeToString(bytes));
      }
    }
  }
}
