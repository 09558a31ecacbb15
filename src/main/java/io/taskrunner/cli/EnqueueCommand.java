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

/** Hands over one task. */
@Command(
    name = "enqueue",
    description = "Hand over a task: a request to make.",
    footer = {
      "",
      "Examples:",
      "  task-runner enqueue https://api.example.com/hook --client my-service --body '{\"a\": 1}'",
      "  task-runner enqueue https://api.example.com/hook --delay 60 --queue critical",
      "  cat report.pdf | task-runner enqueue https://api.example.com/in --body-file - \\",
      "      -H 'Content-Type: application/pdf' --idempotency-key report-17"
    })
final class EnqueueCommand extends Verb {

  @Parameters(paramLabel = "TARGET", description = "The http or https URL to call.")
  private String target = "";

  @Mixin private final TaskOptions task = new TaskOptions();

  @Option(names = "--delay", paramLabel = "SECONDS", description = "Not before so many seconds.")
  private @Nullable Double delay;

  @Option(names = "--at", paramLabel = "TIME", description = "Not before this time (RFC 3339).")
  private @Nullable String at;

  @Option(names = "--expires", paramLabel = "TIME", description = "Not started after this time.")
  private @Nullable String expires;

  @Option(
      names = "--idempotency-key",
      paramLabel = "KEY",
      description = "The same key makes no second task.")
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

  /** What a task is made of, here and in a schedule. */
  static final class TaskOptions {
    @Option(
        names = {"-c", "--client"},
        paramLabel = "ID",
        description = "Whose task it is; not needed with a client's key.")
    private @Nullable String client;

    @Option(
        names = {"-q", "--queue"},
        paramLabel = "NAME",
        description = "Which queue; default unless said.")
    private @Nullable String queue;

    @Option(
        names = {"-X", "--method"},
        paramLabel = "METHOD",
        description = "POST unless said.")
    private @Nullable String method;

    @Option(
        names = {"-H", "--header"},
        paramLabel = "'NAME: VALUE'",
        description = "A header; may be given several times.")
    private List<String> headers = List.of();

    @Option(
        names = {"-d", "--body"},
        paramLabel = "TEXT",
        description = "What to send.")
    private @Nullable String body;

    @Option(
        names = "--body-file",
        paramLabel = "FILE",
        description = "Send what is in a file; - for standard input.")
    private @Nullable String bodyFile;

    @Option(
        names = {"-l", "--label"},
        paramLabel = "NAME=VALUE",
        description = "A label; may be given several times.")
    private Map<String, String> labels = Map.of();

    @Option(names = "--timeout", paramLabel = "SECONDS", description = "For one attempt.")
    private @Nullable Double timeout;

    @Option(names = "--max-retries", paramLabel = "N", description = "At most so many retries.")
    private @Nullable Integer maxRetries;

    @Option(
        names = "--retention",
        paramLabel = "SECONDS",
        description = "How long it can be looked up once it is over.")
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
        throw new Failure(Failure.MISUSED, "--body and --body-file: give one of them");
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
        throw new Failure(Failure.MISUSED, "--body-file: " + bodyFile + " cannot be read");
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
