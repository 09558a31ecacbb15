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
      "  task-runner enqueue https://api.example.com/hook --delay 60 --queue critical",
      "  cat report.pdf | task-runner enqueue https://api.example.com/in --body-file - \\",
      "      -H 'Content-Type: application/pdf' --idempotency-key report-17"
    })
final class EnqueueCommand extends Verb {

  @Parameters(paramLabel = "TARGET", description = "URL to send the request to (http or https).")
  private String target = "";

  @Mixin private final TaskOptions task = new TaskOptions();

  @Option(
      names = "--delay",
      paramLabel = "SECONDS",
      description = "Wait this many seconds before the first attempt.")
  private @Nullable Double delay;

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
    Map<String, @Nullable Object> body = task.fields(target, around());
    body.putAll(
        members(
            "delay",
            delay,
            "schedule_time",
            at,
            "expires_time",
            expires,
            "idempotency_key",
            idempotencyKey));
    Api.Reply reply = api.post("/v1/enqueue", body);
    if (!out.raw(reply)) {
      Map<String, @Nullable Object> answer = reply.object();
      out.say(
          Shown.text(answer, "task_id")
              + "  "
              + Shown.text(answer, "status")
              + " in "
              + Shown.text(answer, "queue")
              + ", runs "
              + Shown.ago(answer, "scheduled_time", out.now()));
    }
    return 0;
  }

  /** The options that define a task, here and in a schedule. */
  static final class TaskOptions {
    @Option(
        names = {"-c", "--client"},
        paramLabel = "ID",
        description = "Client that the task belongs to; not needed with --key.")
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
        description = "Label of the task; can be repeated.")
    private Map<String, String> labels = Map.of();

    @Option(
        names = "--timeout",
        paramLabel = "SECONDS",
        description = "Time limit for one attempt.")
    private @Nullable Double timeout;

    @Option(names = "--max-retries", paramLabel = "N", description = "Maximum number of retries.")
    private @Nullable Integer maxRetries;

    @Option(
        names = "--retention",
        paramLabel = "SECONDS",
        description = "How long to keep the task after it has finished.")
    private @Nullable Double retention;

    Map<String, @Nullable Object> fields(String target, Surroundings around) throws Failure {
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
      return members(
          "client_id",
          client,
          "queue",
          queue,
          "task",
          request,
          "labels",
          labels.isEmpty() ? null : labels,
          "timeout_sec",
          timeout,
          "retention_sec",
          retention,
          "retry",
          maxRetries == null ? null : members("max_retries", maxRetries));
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
