package io.taskrunner.http.v1;

import io.taskrunner.client.Client;
import io.taskrunner.client.Limits;
import io.taskrunner.http.call.Fault;
import io.taskrunner.http.call.Fields;
import io.taskrunner.store.Enqueue;
import io.taskrunner.store.Enqueue.Idempotency;
import io.taskrunner.store.Enqueue.Proof;
import io.taskrunner.store.Enqueue.When;
import io.taskrunner.store.QueueSettings;
import io.taskrunner.task.Callback;
import io.taskrunner.task.HeaderRules;
import io.taskrunner.task.Retry;
import io.taskrunner.task.TargetRequest;
import io.taskrunner.task.TargetRequest.Header;
import io.taskrunner.task.TargetUrl;
import io.taskrunner.task.Task.TaskSpec;
import io.taskrunner.telemetry.Tracing.Place;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads the fields of an enqueue, single or as an item of a batch. */
final class EnqueueFields {

  static final String CLIENT_ID_FORM = "3 to 64 of A-Z a-z 0-9 _ -";

  static final String QUEUE_FORM = "1 to 64 of A-Z a-z 0-9 _ -";

  private static final String DEFAULT_QUEUE = "default";

  private static final long DELAY_MAX_SECONDS = 366L * 86_400;

  private static final int KEY_MAX = 255;

  private static final int LABELS_MAX = 10;

  private static final int LABEL_MAX = 64;

  private static final Pattern END = Pattern.compile("succeeded|dead|cancelled");

  private static final byte[] NO_BODY = new byte[0];

  private static final When NOW = new When.In(Duration.ZERO);

  private EnqueueFields() {}

  /**
   * The defaults of a call.
   *
   * @param clientId of the caller's key, or of the entire batch; null when neither names one
   * @param queue of the entire batch; null when it names none
   * @param keyHeader the header {@code Idempotency-Key}
   * @param trace of the call; null for none
   * @param retention of a task that sets none
   */
  record Around(
      Proof proof,
      @Nullable String clientId,
      @Nullable String queue,
      @Nullable String keyHeader,
      @Nullable Place trace,
      Duration retention) {}

  /** The client in the fields, if its id is valid; not removed from them. */
  static Optional<String> clientId(Map<String, Object> fields) {
    return fields.get("client_id") instanceof String id && Client.ID.matcher(id).matches()
        ? Optional.of(id)
        : Optional.empty();
  }

  /** The fields that a batch may set for all of its items. */
  private static final List<String> DEFAULTS =
      List.of(
          "delay",
          "schedule_time",
          "expires_time",
          "timeout_sec",
          "retry",
          "rate_limit",
          "callback",
          "labels",
          "retention_sec");

  /** Checks the defaults of a batch, and returns them as they are given. */
  static Map<String, Object> defaults(Fields fields) {
    Map<String, Object> given = copied(fields.of(DEFAULTS));
    when(fields);
    fields.time("expires_time");
    fields.seconds("timeout_sec", true, Fields.SECONDS_MAX);
    RetryFields.read(fields);
    Fields rateLimit = fields.object("rate_limit");
    if (rateLimit != null) {
      rateLimit.integer("max_concurrent", 1, Limits.MAX);
      rateLimit.integer("requests_per_min", 1, Limits.MAX);
      rateLimit.done();
    }
    callback(fields);
    labels(fields);
    fields.seconds("retention_sec", false, Fields.SECONDS_MAX);
    return given;
  }

  /**
   * An item over the defaults of its batch. Labels, retry settings and rate limits are merged; a
   * time of its own, of either kind, replaces that of the batch.
   */
  static Map<String, Object> over(Map<String, Object> item, Map<String, Object> defaults) {
    if (defaults.isEmpty()) {
      return item;
    }
    Map<String, Object> merged = copied(defaults);
    if (item.containsKey("delay") || item.containsKey("schedule_time")) {
      merged.remove("delay");
      merged.remove("schedule_time");
    }
    item.forEach((name, own) -> {
      boolean merges = name.equals("labels") || name.equals("retry") || name.equals("rate_limit");
      if (merges && own instanceof Map<?, ?> && merged.get(name) instanceof Map<?, ?> common) {
        Map<String, Object> both = Fields.asObject(common);
        both.putAll(Fields.asObject(own));
      } else {
        merged.put(name, own);
      }
    });
    return merged;
  }

  /** Objects of its own, because reading fields takes them out of their object. */
  private static Map<String, Object> copied(Map<String, Object> of) {
    Map<String, Object> copy = new LinkedHashMap<>(of);
    copy.replaceAll(
        (_, value) -> value instanceof Map<?, ?> inner ? copied(Fields.asObject(inner)) : value);
    return copy;
  }

  /** Reads all fields; null when something is invalid, which the errors describe. */
  static @Nullable Enqueue read(Fields fields, Around around) {
    String clientId = fields.text("client_id", Client.ID, CLIENT_ID_FORM);
    if (clientId == null) {
      clientId = around.clientId();
    }
    String queue = fields.text("queue", QueueSettings.NAME, QUEUE_FORM);
    if (queue == null) {
      queue = around.queue() == null ? DEFAULT_QUEUE : around.queue();
    }
    final When when = when(fields);
    final Instant expires = fields.time("expires_time");
    Fields task = fields.object("task");
    TargetRequest request = task == null ? null : request(task);
    Duration timeout = fields.seconds("timeout_sec", true, Fields.SECONDS_MAX);
    Retry retry = RetryFields.read(fields);
    Integer maxConcurrent = null;
    Integer requestsPerMin = null;
    Fields rateLimit = fields.object("rate_limit");
    if (rateLimit != null) {
      maxConcurrent = rateLimit.integer("max_concurrent", 1, Limits.MAX);
      requestsPerMin = rateLimit.integer("requests_per_min", 1, Limits.MAX);
      rateLimit.done();
    }
    final Callback callback = callback(fields);
    String key = key(fields, around.keyHeader());
    Map<String, String> labels = labels(fields);
    Duration retention = fields.seconds("retention_sec", false, Fields.SECONDS_MAX);
    if (clientId == null && !wasFaulty(fields, "client_id")) {
      fields.missing("client_id", CLIENT_ID_FORM);
    }
    if (task == null && !wasFaulty(fields, "task")) {
      fields.missing("task", "an object with a url");
    }
    fields.done();
    if (!fields.faults().isEmpty() || request == null || clientId == null) {
      return null;
    }
    TaskSpec spec =
        new TaskSpec(
            request,
            retry,
            timeout,
            expires,
            maxConcurrent,
            retention == null ? around.retention() : wholeSeconds(retention),
            labels,
            around.trace(),
            callback);
    Idempotency idempotency =
        key == null
            ? null
            : new Idempotency(key, Payload.digest(queue, when, spec, requestsPerMin));
    return new Enqueue(
        clientId, around.proof(), queue, when, spec, maxConcurrent, requestsPerMin, idempotency);
  }

  /** A part of a second is rounded up to a second, because 0 keeps nothing. */
  private static Duration wholeSeconds(Duration retention) {
    return Duration.ofSeconds((retention.toMillis() + 999) / 1000);
  }

  private static boolean wasFaulty(Fields fields, String name) {
    String pointer = fields.pointer(name);
    return fields.faults().list().stream().anyMatch(fault -> fault.at().equals(pointer));
  }

  private static When when(Fields fields) {
    if (fields.has("delay") && fields.has("schedule_time")) {
      fields.fault("schedule_time", "not allowed with delay (expected: only one of them)");
    }
    Duration delay = fields.seconds("delay", false, DELAY_MAX_SECONDS);
    Instant time = fields.time("schedule_time");
    if (time != null) {
      return new When.At(time);
    }
    return delay == null || delay.isZero() ? NOW : new When.In(delay);
  }

  private static @Nullable String key(Fields fields, @Nullable String header) {
    String key = fields.unicode("idempotency_key");
    if (key != null && (key.isEmpty() || key.length() > KEY_MAX)) {
      fields.fault(
          "idempotency_key", key.length() + " characters (expected: 1 to " + KEY_MAX + ")");
      return null;
    }
    if (header == null) {
      return key;
    }
    if (header.isEmpty() || header.length() > KEY_MAX) {
      fields
          .faults()
          .add(
              Fault.header(
                  "Idempotency-Key",
                  "Idempotency-Key: "
                      + header.length()
                      + " characters (expected: 1 to "
                      + KEY_MAX
                      + ")"));
      return null;
    }
    if (key != null && !key.equals(header)) {
      fields
          .faults()
          .add(
              Fault.header(
                  "Idempotency-Key",
                  "Idempotency-Key: differs from idempotency_key (expected: only one of them, or the same value)"));
      return null;
    }
    return header;
  }

  private static @Nullable TargetRequest request(Fields task) {
    String method = task.text("method");
    if (method == null) {
      method = "POST";
    } else {
      String upper = method.toUpperCase(Locale.ROOT);
      if (!TargetRequest.METHODS.contains(upper)) {
        task.fault("method", method, "one of " + String.join(" ", TargetRequest.METHODS));
      }
      method = upper;
    }
    TargetUrl url = url(task);
    List<Header> headers = headers(task);
    boolean both = task.has("body") && task.has("body_base64");
    if (both) {
      task.fault("body_base64", "not allowed with body (expected: only one of them)");
    }
    String text = task.unicode("body");
    byte[] bytes = base64(task);
    task.done();
    byte[] body =
        text != null ? text.getBytes(StandardCharsets.UTF_8) : bytes != null ? bytes : NO_BODY;
    return url == null ? null : new TargetRequest(method, url, headers, body, bytes == null);
  }

  private static @Nullable TargetUrl url(Fields task) {
    boolean given = task.has("url");
    String text = task.text("url");
    if (text == null) {
      if (!given) {
        task.missing("url", "an absolute http or https URL");
      }
      return null;
    }
    return switch (TargetUrl.parse(text)) {
      case TargetUrl.Parsed.Good(TargetUrl url) -> url;
      case TargetUrl.Parsed.Bad(String reason) -> {
        task.fault("url", reason);
        yield null;
      }
    };
  }

  private static @Nullable Callback callback(Fields fields) {
    Fields given = fields.object("callback");
    if (given == null) {
      return null;
    }
    TargetUrl url = url(given);
    List<Header> headers = headers(given);
    Set<Callback.End> on = EnumSet.noneOf(Callback.End.class);
    List<String> words = given.texts("on", END, "succeeded, dead or cancelled");
    if (words == null) {
      on.addAll(Callback.USUAL);
    } else if (words.isEmpty()) {
      given.fault("on", "empty (expected: at least one of succeeded, dead and cancelled)");
    } else {
      words.forEach(word -> on.add(Callback.End.valueOf(word.toUpperCase(Locale.ROOT))));
    }
    given.done();
    return url == null || on.isEmpty() ? null : new Callback(url, headers, on);
  }

  private static byte @Nullable [] base64(Fields task) {
    String text = task.text("body_base64");
    if (text == null) {
      return null;
    }
    try {
      return Base64.getDecoder().decode(text);
    } catch (IllegalArgumentException notBase64) {
      task.fault("body_base64", "not base64 (expected: RFC 4648 section 4)");
      return null;
    }
  }

  private static List<Header> headers(Fields task) {
    Fields given = task.object("headers");
    if (given == null) {
      return List.of();
    }
    Map<String, Object> members = given.rest();
    if (members.size() > HeaderRules.COUNT_MAX) {
      task.fault(
          "headers", members.size() + " headers (expected: at most " + HeaderRules.COUNT_MAX + ")");
      return List.of();
    }
    List<Header> headers = new ArrayList<>(members.size());
    Set<String> names = new HashSet<>();
    int bytes = 0;
    for (Map.Entry<String, Object> member : members.entrySet()) {
      String name = member.getKey();
      Optional<String> nameFault = HeaderRules.nameFault(name);
      if (nameFault.isPresent()) {
        given.fault(name, nameFault.get());
      } else if (!names.add(name.toLowerCase(Locale.ROOT))) {
        given.fault(name, "given twice (header names are not case-sensitive)");
      } else if (!(member.getValue() instanceof String value)) {
        given.fault(name, member.getValue(), "text");
      } else {
        HeaderRules.valueFault(value).ifPresent(fault -> given.fault(name, fault));
        bytes += name.length() + value.length();
        headers.add(new Header(name, value));
      }
    }
    if (bytes > HeaderRules.BYTES_MAX) {
      task.fault(
          "headers",
          bytes + " bytes of names and values (expected: at most " + HeaderRules.BYTES_MAX + ")");
    }
    return headers;
  }

  private static Map<String, String> labels(Fields fields) {
    Fields given = fields.object("labels");
    if (given == null) {
      return Map.of();
    }
    Map<String, Object> members = given.rest();
    if (members.size() > LABELS_MAX) {
      fields.fault("labels", members.size() + " labels (expected: at most " + LABELS_MAX + ")");
      return Map.of();
    }
    Map<String, String> labels = new HashMap<>();
    members.forEach((name, value) -> {
      if (!isLabel(name) || name.isEmpty()) {
        given.fault(
            name, "a name of " + name.length() + " characters (expected: 1 to " + LABEL_MAX + ")");
      } else if (!(value instanceof String text)) {
        given.fault(name, value, "text");
      } else if (!isLabel(text)) {
        given.fault(
            name, text.length() + " characters (expected: at most " + LABEL_MAX + " of Unicode)");
      } else {
        labels.put(name, text);
      }
    });
    return labels;
  }

  private static boolean isLabel(String text) {
    return text.codePointCount(0, text.length()) <= LABEL_MAX && Fields.isUnicode(text);
  }
}
