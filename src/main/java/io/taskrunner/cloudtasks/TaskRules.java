package io.taskrunner.cloudtasks;

import com.google.cloud.tasks.v2.HttpMethod;
import com.google.cloud.tasks.v2.HttpRequest;
import com.google.cloud.tasks.v2.Task;
import com.google.protobuf.ByteString;
import io.taskrunner.cloudtasks.Names.TaskName;
import io.taskrunner.cloudtasks.v1.HttpTarget;
import io.taskrunner.config.CloudTasksSettings;
import io.taskrunner.http.call.Caller;
import io.taskrunner.store.CloudStore.NewTask;
import io.taskrunner.store.CloudStore.QueueName;
import io.taskrunner.task.HeaderRules;
import io.taskrunner.task.Retry;
import io.taskrunner.task.TargetRequest;
import io.taskrunner.task.TargetUrl;
import io.taskrunner.task.Task.TaskSpec;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** The permitted fields of a task, and its translation for the engine. */
final class TaskRules {

  /** Measured on Google's service: bytes of a stored task, defaults included. */
  static final int SIZE_MAX = 1_048_569;

  private static final int HEADERS_SIZE_MAX = 80 * 1024;

  /** The store's: a number in one byte. */
  private static final int HEADERS_MAX = 255;

  private static final int HEADER_VALUE_MAX = 65_535;

  private static final Duration DEADLINE = Duration.ofMinutes(10);
  private static final Duration DEADLINE_MIN = Duration.ofSeconds(15);
  private static final Duration DEADLINE_MAX = Duration.ofMinutes(30);

  private static final String AGENT = "User-Agent";
  private static final String GOOGLES_AGENT = "Google-Cloud-Tasks";

  private final CloudTasksSettings settings;
  private final Tokens tokens;
  private final InstantSource clock;

  TaskRules(CloudTasksSettings settings, Tokens tokens, InstantSource clock) {
    this.settings = settings;
    this.tokens = tokens;
    this.clock = clock;
  }

  /** A checked task, which its queue may still override. */
  record Checked(QueueName queue, @Nullable String id, @Nullable Instant due, Task task) {}

  /**
   * Checks a task, and fills in its unset fields.
   *
   * @throws Failure it is invalid
   */
  Checked check(QueueName queue, Task given) {
    @Nullable String id = null;
    if (!given.getName().isEmpty()) {
      TaskName name = Names.task(given.getName());
      if (!name.queue().equals(queue)) {
        throw Failure.invalid(
            "The queue name from request ('"
                + queue
                + "') must be the same as the queue name in the named task ('"
                + name.queue()
                + "').");
      }
      id = name.id();
    }
    if (given.hasAppEngineHttpRequest()) {
      throw Failure.invalid(
          "Task.appEngineHttpRequest is not supported, because there is no App Engine: use"
              + " httpRequest with the URL of the handler.");
    }
    if (!given.hasHttpRequest()) {
      throw Failure.invalid("Task.httpRequest is required.");
    }
    Duration deadline =
        given.hasDispatchDeadline()
            ? Times.duration("Task.dispatchDeadline", given.getDispatchDeadline())
            : DEADLINE;
    if (deadline.compareTo(DEADLINE_MIN) < 0 || deadline.compareTo(DEADLINE_MAX) > 0) {
      throw Failure.invalid("Task.dispatchDeadline must be between [15s, 30m].");
    }
    Instant now = clock.instant();
    @Nullable Instant due = null;
    if (given.hasScheduleTime()) {
      due = Times.instant("Task.scheduleTime", given.getScheduleTime());
      if (due.isAfter(now.plus(settings.maxSchedule()))) {
        throw Failure.invalid(
            "Task.scheduleTime is too far in the future. Schedule time must be no more than "
                + settings.maxSchedule().toHours()
                + "h in the future.");
      }
    }
    HttpRequest request = checked(given.getHttpRequest());
    Task task =
        Task.newBuilder()
            .setName(given.getName())
            .setHttpRequest(request)
            .setScheduleTime(Times.timestamp(due == null || due.isBefore(now) ? now : due))
            .setCreateTime(Times.timestamp(now))
            .setDispatchDeadline(Times.duration(Duration.ofMillis(deadline.toMillis())))
            .setView(Task.View.BASIC)
            .build();
    if (task.getSerializedSize() > SIZE_MAX) {
      throw Failure.invalid("Task size too large");
    }
    return new Checked(queue, id, due, task);
  }

  private static HttpRequest checked(HttpRequest given) {
    if (given.getUrl().isEmpty()) {
      throw Failure.invalid("HttpRequest.url is required.");
    }
    var unused = url(given.getUrl());
    HttpMethod method = given.getHttpMethod();
    if (method == HttpMethod.UNRECOGNIZED) {
      throw Failure.invalid("HttpRequest.httpMethod is unknown.");
    }
    if (method == HttpMethod.HTTP_METHOD_UNSPECIFIED) {
      method = HttpMethod.POST;
    }
    if (!given.getBody().isEmpty() && !HttpTargets.mayHaveBody(method)) {
      throw Failure.invalid("HttpRequest.body is only allowed for POST, PUT and PATCH.");
    }
    checkAccount(given);
    HttpRequest.Builder request = given.toBuilder().setHttpMethod(method).clearHeaders();
    Set<String> names = new TreeSet<>(String.CASE_INSENSITIVE_ORDER);
    given
        .getHeadersMap()
        .forEach((name, value) -> {
          checkHeader(name, value);
          if (!names.add(name)) {
            throw Failure.invalid(
                "HttpRequest.headers: "
                    + name
                    + " is given twice (header names are not case-sensitive).");
          }
          if (!name.equalsIgnoreCase(AGENT)) {
            request.putHeaders(name, value);
          }
        });
    request.putHeaders(AGENT, GOOGLES_AGENT);
    int size = 0;
    for (Map.Entry<String, String> header : request.getHeadersMap().entrySet()) {
      size += length(header.getKey()) + length(header.getValue());
    }
    if (size >= HEADERS_SIZE_MAX) {
      throw Failure.invalid("HttpRequest.headers must be less than 80 KB.");
    }
    if (request.getHeadersCount() > HEADERS_MAX) {
      throw Failure.invalid("HttpRequest.headers must have at most " + HEADERS_MAX + " entries.");
    }
    return request.build();
  }

  private static int length(String text) {
    return text.getBytes(StandardCharsets.UTF_8).length;
  }

  private static void checkHeader(String name, String value) {
    if (!HeaderRules.isName(name)) {
      throw Failure.invalid(
          "HttpRequest.headers: " + Failure.shown(name) + " is not a valid header name.");
    }
    Optional<String> fault = HeaderRules.valueFault(value);
    if (fault.isPresent()) {
      throw Failure.invalid("HttpRequest.headers: the value of " + name + " " + fault.get() + ".");
    }
    if (value.length() > HEADER_VALUE_MAX) {
      throw Failure.invalid("HttpRequest.headers: the value of " + name + " is too long.");
    }
  }

  private static void checkAccount(HttpRequest request) {
    if (hasToken(request) && account(request).isEmpty()) {
      throw Failure.invalid("HttpRequest.authorization_header requires a serviceAccountEmail.");
    }
  }

  private static String account(HttpRequest request) {
    return request.hasOidcToken()
        ? request.getOidcToken().getServiceAccountEmail()
        : request.getOauthToken().getServiceAccountEmail();
  }

  private void admitToken(HttpRequest request, Caller caller) {
    tokens.admit(caller, account(request));
    if (settings.tokensNeedHttps() && !request.getUrl().regionMatches(true, 0, "https:", 0, 6)) {
      throw Failure.invalid(
          "HttpRequest.url must start with 'https://' for request with"
              + " HttpRequest.authorization_header");
    }
  }

  private static boolean hasToken(HttpRequest request) {
    return request.hasOidcToken() || request.hasOauthToken();
  }

  /** Non-ASCII characters are encoded; ASCII is taken unchanged. */
  private static TargetUrl url(String given) {
    if (!given.regionMatches(true, 0, "http://", 0, 7)
        && !given.regionMatches(true, 0, "https://", 0, 8)) {
      throw Failure.invalid("HttpTarget.url must start with 'http://' or 'https://'.");
    }
    StringBuilder encoded = new StringBuilder(given.length());
    for (byte one : given.getBytes(StandardCharsets.UTF_8)) {
      if (one < 0 || one == ' ') {
        encoded.append('%').append(String.format("%02X", one));
      } else {
        encoded.append((char) one);
      }
    }
    return switch (TargetUrl.parse(encoded.toString())) {
      case TargetUrl.Parsed.Good good -> good.url();
      case TargetUrl.Parsed.Bad bad ->
          throw Failure.invalid("HttpRequest.url " + bad.reason() + ".");
    };
  }

  /**
   * A task for the store.
   *
   * @param target the overrides of its queue
   * @throws Failure the caller may not have it carry a token
   */
  NewTask made(Checked checked, Optional<HttpTarget> target, Caller caller) {
    HttpRequest said = checked.task().getHttpRequest();
    HttpRequest request = target.map(queue -> HttpTargets.applied(queue, said)).orElse(said);
    if (hasToken(request)) {
      admitToken(request, caller);
    }
    Task echoed =
        checked.task().toBuilder()
            .clearName()
            .clearScheduleTime()
            .clearCreateTime()
            .clearView()
            .setHttpRequest(said.toBuilder().setBody(ByteString.EMPTY))
            .build();
    return new NewTask(
        checked.queue(),
        checked.id(),
        checked.due(),
        spec(request, Times.duration("", checked.task().getDispatchDeadline())),
        echoed.toByteArray(),
        settings.taskReuse());
  }

  /** The request to send: here Google's request, token included, becomes the engine's. */
  private TaskSpec spec(HttpRequest request, Duration deadline) {
    List<TargetRequest.Header> headers = new ArrayList<>();
    request
        .getHeadersMap()
        .forEach((name, value) -> headers.add(new TargetRequest.Header(name, value)));
    return new TaskSpec(
        new TargetRequest(
            request.getHttpMethod().name(),
            url(request.getUrl()),
            headers,
            request.getBody().toByteArray(),
            false,
            tokens.of(request)),
        Retry.UNSET,
        deadline,
        null,
        null,
        Duration.ZERO,
        Map.of(),
        null,
        null);
  }
}
