package io.taskrunner.http.call;

import com.linecorp.armeria.common.HttpStatus;
import io.taskrunner.client.Scope;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An error response (RFC 9457). Every status and code with which this server rejects a call is in
 * this file or in {@link Missing}, once.
 *
 * @param status the HTTP status
 * @param code the stable word to program against
 * @param detail a sentence for people
 * @param errors each error of an invalid call; else empty
 * @param members further members of the problem: texts and whole numbers
 * @param headers headers that go with it
 */
public record Problem(
    HttpStatus status,
    String code,
    String detail,
    List<Fault> errors,
    Map<String, Object> members,
    Map<String, String> headers) {

  /** The media type of a problem. */
  public static final String MEDIA_TYPE = "application/problem+json";

  /** Copies the parts. */
  public Problem {
    errors = List.copyOf(errors);
  }

  private static Problem of(int status, String code, String detail) {
    return new Problem(HttpStatus.valueOf(status), code, detail, List.of(), Map.of(), Map.of());
  }

  /** With values for each {@code %s}; texts are put in quotes. */
  static Problem of(int status, String code, String form, @Nullable Object... values) {
    return of(status, code, form.formatted(Arrays.stream(values).map(Problem::shown).toArray()));
  }

  private static String shown(@Nullable Object value) {
    return switch (value) {
      case TaskState state -> state.word();
      case Instant time -> Times.text(time);
      case null, default -> Shown.of(value);
    };
  }

  private Problem with(Map<String, Object> further) {
    return new Problem(status, code, detail, errors, further, headers);
  }

  /** This problem with one more header. */
  public Problem withHeader(String header, String value) {
    Map<String, String> more = new LinkedHashMap<>(headers);
    more.put(header, value);
    return new Problem(status, code, detail, errors, members, more);
  }

  /**
   * This problem, of the first of some items that were all rejected.
   *
   * @param each the errors of the items
   */
  public Problem ofEach(List<Fault> each) {
    String all =
        each.size() == 1
            ? detail
            : "All " + each.size() + " tasks were rejected; the first: " + detail;
    return new Problem(status, code, all, each, members, headers);
  }

  // Errors in the call itself.

  /** The Host is not one of this machine's. */
  public static Problem misdirected(String host) {
    return of(
        421,
        "misdirected",
        "Host: %s (expected: localhost, 127.0.0.1 or [::1], because this server listens only on a loopback address).",
        host);
  }

  /**
   * A page of another site sent it.
   *
   * @param header the header that proves it
   */
  public static Problem crossOrigin(String header) {
    return of(
        403,
        "cross_origin",
        "Pages of other sites cannot make calls that change something (" + header + ").");
  }

  /** Invalid credentials, or missing ones. */
  public static Problem unauthenticated(String detail) {
    return of(401, "unauthenticated", detail)
        .withHeader("www-authenticate", "Bearer realm=\"task-runner\"");
  }

  /**
   * The path has other methods.
   *
   * @param allow those, as in the header
   */
  public static Problem methodNotAllowed(String allow) {
    return of(405, "method_not_allowed", "This path allows only " + allow + ".")
        .withHeader("allow", allow);
  }

  /** Larger than the limit. */
  public static Problem tooLarge(long limit) {
    return of(413, "payload_too_large", "The body exceeds the limit of %s bytes.", limit);
  }

  /** Not JSON, or encoded. */
  public static Problem unsupportedMediaType(String detail) {
    return of(415, "unsupported_media_type", detail);
  }

  /** The call did not arrive completely in time. */
  public static Problem tooSlow() {
    return of(408, "request_timeout", "The call did not arrive completely in time.");
  }

  /** Invalid content of the call. */
  public static Problem invalid(List<Fault> faults) {
    Fault first = faults.getFirst();
    String detail =
        faults.size() == 1
            ? first.detail()
            : faults.size() + " errors; the first: " + first.detail();
    return new Problem(
        HttpStatus.BAD_REQUEST, "invalid_request", detail, faults, Map.of(), Map.of());
  }

  /** Invalid HTTP. */
  public static Problem malformed(String detail) {
    return of(400, "invalid_request", detail);
  }

  /** A status of the server below; only its name is reported. */
  public static Problem ofStatus(HttpStatus status) {
    return switch (status.code()) {
      case 400 -> malformed("The call is not valid HTTP.");
      case 404 -> of(404, "not_found", "The path does not exist.");
      case 405 -> methodNotAllowed("GET, HEAD, POST, PUT, DELETE");
      case 408 -> tooSlow();
      case 413 -> of(413, "payload_too_large", "The body exceeds the limit.");
      case 414 -> of(414, "uri_too_long", "The path and query exceed the limit.");
      case 417 -> of(417, "expectation_failed", "The only supported Expect is 100-continue.");
      case 431 -> of(431, "headers_too_large", "The headers exceed the limit.");
      case 503 -> busy();
      default ->
          status.isClientError()
              ? of(status.code(), "invalid_request", status.reasonPhrase() + ".")
              : internal();
    };
  }

  // The caller.

  /** A key that does not permit the call. */
  public static Problem forbidden(String detail) {
    return of(403, "forbidden", detail);
  }

  /** A client's key without this scope. */
  public static Problem scopeMissing(Scope scope) {
    return of(
            403,
            "scope_missing",
            "This key lacks the scope %s, which this call requires. An admin can create a key that has it.",
            scope.word())
        .with(Map.of("scope", scope.word()));
  }

  /** An admin's key that permits only reading. */
  public static Problem readOnly() {
    return of(403, "read_only", "This admin key is read-only and cannot change anything.");
  }

  /** No admin's key is set, and the listener is open to others. */
  public static Problem adminKeyNotConfigured() {
    return of(
        403,
        "admin_key_not_configured",
        "This call requires an admin key, and ADMIN_API_KEY is not set: set it, or use a named admin key. Without a"
            + " key, admin calls are served only if the server listens on a loopback address.");
  }

  /** A key of one client, the id of another. */
  public static Problem clientMismatch(@Nullable String own, @Nullable String named) {
    return of(
        403,
        "client_mismatch",
        "The key is of client %s, but the call names client %s.",
        own,
        named);
  }

  /** Disabled or deleted. */
  public static Problem clientDisabled(String clientId) {
    return of(403, "client_disabled", "Client %s is disabled or deleted.", clientId);
  }

  // Wrong states; missing things are in Missing.

  /** The client may not use it. */
  public static Problem queueNotAllowed(String clientId, String queue) {
    return of(
        403,
        "queue_not_allowed",
        "Client %s may not use queue %s, which is not in its allowed_queues.",
        clientId,
        queue);
  }

  /** The limit of a client's signing secrets is reached. */
  public static Problem tooManySigningSecrets(String clientId, int most, Instant until) {
    return of(
        409,
        "too_many_signing_secrets",
        "Client %s has %s valid signing secrets, which is the maximum. The oldest is valid until %s; DELETE ends all"
            + " of them now.",
        clientId,
        most,
        until);
  }

  /** The limit of admin keys is reached. */
  public static Problem tooManyKeys(int most) {
    return of(
        409, "too_many_keys", "There are %s admin keys, the maximum. Revoke one first.", most);
  }

  /** An admin's key of this name exists, and is not to be replaced. */
  public static Problem keyExists(String name) {
    return of(
        409,
        "key_exists",
        "Admin key %s exists. Send \"replace\": true to replace it, and \"keep_sec\" to keep the old key valid a while.",
        name);
  }

  /** The limit of hosts with limits is reached. */
  public static Problem tooManyHosts(int most) {
    return of(
        409,
        "too_many_hosts",
        "%s hosts have settings, the maximum. Delete those of one first.",
        most);
  }

  /** A tier in use by clients. */
  public static Problem tierInUse(String name) {
    return of(
        409, "tier_in_use", "Tier %s is in use. Move its clients to another tier first.", name);
  }

  /** Things that always exist. */
  public static Problem builtIn(String what, String name) {
    return of(409, "built_in", "The built-in " + what + " %s cannot be deleted.", name);
  }

  /** A queue that still holds tasks. */
  public static Problem queueNotEmpty(String name) {
    return of(
        409, "queue_not_empty", "Queue %s has tasks. Add ?force=true to delete them too.", name);
  }

  /** Cancelling a finished task. */
  public static Problem alreadyFinished(TaskId id, TaskState state) {
    return of(409, "already_finished", "Task %s has already finished: it is %s.", id, state);
  }

  /** Running a task that does not wait for a time. */
  public static Problem notRunnable(TaskId id, TaskState state) {
    return of(
        409,
        "not_runnable",
        "Task %s is %s; only a scheduled task or one in retry can be run now.",
        id,
        state);
  }

  /** Retrying a task that is not dead. */
  public static Problem notDead(TaskId id, TaskState state) {
    return of(409, "not_dead", "Task %s is %s; only a dead task can be retried.", id, state);
  }

  /** A failed If-Match or If-None-Match. */
  public static Problem preconditionFailed(String why) {
    return of(412, "precondition_failed", why + " Nothing was changed.");
  }

  /** A document was applied except for one deletion. */
  public static Problem notPruned(String section, String name) {
    return of(
        409,
        "not_pruned",
        section
            + ": %s was not deleted, because it has been in use since this call read it. The rest of the document was applied; apply it again.",
        name);
  }

  /** One idempotency key for two payloads. */
  public static Problem keyReused(@Nullable String key) {
    return of(
        422,
        "idempotency_key_reused",
        "Idempotency key %s was used with a different payload.",
        key);
  }

  /** Stopping a finished operation. */
  public static Problem operationOver(String id, String state) {
    return of(
        409, "already_finished", "Operation " + id + " has already ended: it is " + state + ".");
  }

  // Limits, and unavailable parts.

  /** The limit of concurrent operations is reached. */
  public static Problem tooManyOperations() {
    return of(
            429,
            "too_many_operations",
            "The limit of running operations is reached. Retry when one of them has ended.")
        .withHeader("retry-after", "10");
  }

  /** The client's requests per minute are exceeded. */
  public static Problem rateLimited(String clientId, int requestsPerMin, Duration retryAfter) {
    long seconds = Math.max(1, (retryAfter.toMillis() + 999) / 1000);
    Map<String, Object> members = new LinkedHashMap<>();
    members.put("client_id", clientId);
    members.put("requests_per_min", requestsPerMin);
    members.put("retry_after", seconds);
    String form = "Client %s has reached its limit of %s tasks per minute.";
    return of(429, "rate_limited", form, clientId, requestsPerMin)
        .with(members)
        .withHeader("retry-after", Long.toString(seconds));
  }

  /**
   * A client has reached its limit of waiting tasks or bytes.
   *
   * @param most the limit: tasks, or bytes of bodies
   * @param there the current number
   * @param body the bytes of the rejected one
   */
  public static Problem backlogFull(
      String clientId, long most, long there, boolean bytes, int body) {
    Map<String, Object> members = new LinkedHashMap<>();
    members.put("client_id", clientId);
    members.put(bytes ? "max_waiting_bytes" : "max_waiting", most);
    members.put(bytes ? "waiting_bytes" : "waiting", there);
    Problem full =
        bytes
            ? of(
                429,
                "backlog_full",
                "The bodies of the unfinished tasks of client %s have %s bytes; %s more would exceed its"
                    + " max_waiting_bytes of %s.",
                clientId,
                there,
                body,
                most)
            : of(
                429,
                "backlog_full",
                "Client %s has %s unfinished tasks and has reached its max_waiting of %s.",
                clientId,
                there,
                most);
    return full.with(members).withHeader("retry-after", "5");
  }

  /** Too many auto-registered clients. */
  public static Problem tooManyClients(String clientId) {
    return of(
            429,
            "too_many_clients",
            "The limit of auto-registered clients is reached. An admin can create client %s.",
            clientId)
        .withHeader("retry-after", "60");
  }

  /** No capacity. */
  public static Problem storeFull() {
    return of(429, "store_full", "The store is full and accepts no more tasks now. Retry later.")
        .withHeader("retry-after", "5");
  }

  /** No answer from the store in time. */
  public static Problem storeUnavailable() {
    return of(
            503,
            "store_unavailable",
            "The store did not answer in time. The call may or may not have taken effect; an enqueue can be repeated"
                + " with the same idempotency key.")
        .withHeader("retry-after", "1");
  }

  /** The limit of calls held while the store does not answer is reached. */
  public static Problem busy() {
    return of(
            503,
            "store_unavailable",
            "The server has too many pending calls. Nothing was done; retry later.")
        .withHeader("retry-after", "1");
  }

  /** A required part is unhealthy. */
  public static Problem notReady(String detail) {
    return of(503, "not_ready", detail).withHeader("retry-after", "1");
  }

  /** A bug. */
  public static Problem internal() {
    return of(
        500, "internal", "Internal error. Details are in the server's log, under this request id.");
  }
}
