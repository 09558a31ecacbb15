package io.taskrunner.http.call;

import com.linecorp.armeria.common.HttpStatus;
import io.taskrunner.client.Scope;
import io.taskrunner.task.TaskState;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * An error response (RFC 9457). Every status and code with which this server rejects a call is in
 * this file, once.
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

  private static final HttpStatus MISDIRECTED = HttpStatus.valueOf(421);

  /** Copies the parts. */
  public Problem {
    errors = List.copyOf(errors);
  }

  private static Problem of(int status, String code, String detail) {
    return new Problem(HttpStatus.valueOf(status), code, detail, List.of(), Map.of(), Map.of());
  }

  /** This problem with one more header. */
  public Problem withHeader(String header, String value) {
    Map<String, String> more = new LinkedHashMap<>(headers);
    more.put(header, value);
    return new Problem(status, code, detail, errors, members, more);
  }

  // Errors in the call itself.

  /** The Host is not one of this machine's. */
  public static Problem misdirected() {
    return new Problem(
        MISDIRECTED,
        "misdirected",
        "This server listens for this machine alone: the Host must be localhost, 127.0.0.1 or [::1].",
        List.of(),
        Map.of(),
        Map.of());
  }

  /** A page of another site sent it. */
  public static Problem crossOrigin() {
    return of(
        403,
        "cross_origin",
        "Calls that change something are not taken from pages of other sites.");
  }

  /** Invalid credentials, or missing ones. */
  public static Problem unauthenticated(String detail) {
    return of(401, "unauthenticated", detail)
        .withHeader("www-authenticate", "Bearer realm=\"task-runner\"");
  }

  /** No such path. */
  public static Problem notFound() {
    return of(404, "not_found", "There is nothing at this path.");
  }

  /**
   * The path has other methods.
   *
   * @param allow those, as in the header
   */
  public static Problem methodNotAllowed(String allow) {
    return of(405, "method_not_allowed", "This path allows " + allow + ".")
        .withHeader("allow", allow);
  }

  /** Larger than the limit. */
  public static Problem tooLarge(long limit) {
    return of(413, "payload_too_large", "The body is longer than " + limit + " bytes.");
  }

  /** Not JSON, or encoded. */
  public static Problem unsupportedMediaType(String detail) {
    return of(415, "unsupported_media_type", detail);
  }

  /** The call did not arrive completely in time. */
  public static Problem tooSlow() {
    return of(408, "request_timeout", "The call did not arrive whole in time.");
  }

  /** Invalid content of the call. */
  public static Problem invalid(List<Fault> faults) {
    Fault first = faults.getFirst();
    String detail =
        faults.size() == 1
            ? first.detail()
            : faults.size() + " faults; the first: " + first.detail();
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
      case 400 -> malformed("The call is not HTTP as this server reads it.");
      case 404 -> notFound();
      case 405 -> methodNotAllowed("GET, HEAD, POST, PUT, DELETE");
      case 408 -> tooSlow();
      case 413 -> of(413, "payload_too_large", "The body is longer than this server reads.");
      case 414 -> of(414, "uri_too_long", "The path and query are longer than this server reads.");
      case 417 ->
          of(417, "expectation_failed", "The only expectation that is met is 100-continue.");
      case 431 -> of(431, "headers_too_large", "The headers are longer than this server reads.");
      case 503 -> busy();
      default ->
          status.isClientError()
              ? of(status.code(), "invalid_request", status.reasonPhrase() + ".")
              : internal();
    };
  }

  // The caller.

  /** A client's key on an admin's call. */
  public static Problem forbidden() {
    return of(403, "forbidden", "This call needs the admin's key.");
  }

  /** A client's key without this scope. */
  public static Problem scopeMissing(Scope scope) {
    return new Problem(
        HttpStatus.FORBIDDEN,
        "scope_missing",
        "This key lacks the scope "
            + scope.word()
            + ", which this call needs. An admin can make a key that has it.",
        List.of(),
        Map.of("scope", scope.word()),
        Map.of());
  }

  /** An admin's key that permits only reading. */
  public static Problem readOnly() {
    return of(403, "read_only", "This admin key is read-only, and the call changes something.");
  }

  /** No admin's key is set, and the listener is open to others. */
  public static Problem adminKeyNotConfigured() {
    return of(
        403,
        "admin_key_not_configured",
        "Admin calls need an admin key: the ADMIN_API_KEY, which is not set, or a named one. Without, they are served"
            + " when the server listens on a loopback address alone.");
  }

  /** A key of one client, the id of another. */
  public static Problem clientMismatch() {
    return of(403, "client_mismatch", "The key is not of the client that the call names.");
  }

  /** Disabled or deleted. */
  public static Problem clientDisabled() {
    return of(403, "client_disabled", "This client's calls are not taken.");
  }

  // Missing things, and wrong states.

  /** No such task, or another client's. */
  public static Problem taskNotFound() {
    return of(404, "task_not_found", "There is no such task, or it is kept no longer.");
  }

  /** No such queue. */
  public static Problem queueNotFound() {
    return of(404, "queue_not_found", "There is no such queue.");
  }

  /** No such schedule. */
  public static Problem scheduleNotFound() {
    return of(404, "schedule_not_found", "There is no such schedule.");
  }

  /** The client may not use it. */
  public static Problem queueNotAllowed() {
    return of(403, "queue_not_allowed", "This client may not use this queue.");
  }

  /** No such client. */
  public static Problem clientNotFound() {
    return of(404, "client_not_found", "There is no such client.");
  }

  /** No such key of this client. */
  public static Problem keyNotFound() {
    return of(404, "key_not_found", "This client has no such key.");
  }

  /** The client does not sign. */
  public static Problem signingSecretNotFound() {
    return of(404, "signing_secret_not_found", "This client has no signing secret.");
  }

  /** The limit of a client's signing secrets is reached. */
  public static Problem tooManySigningSecrets(int most, Instant until) {
    return of(
        409,
        "too_many_signing_secrets",
        most
            + " secrets of this client sign side by side. The oldest ends at "
            + Times.text(until)
            + "; with DELETE all end now.");
  }

  /** No admin's key of this name. */
  public static Problem adminKeyNotFound() {
    return of(404, "key_not_found", "There is no admin key of this name.");
  }

  /** The limit of admin keys is reached. */
  public static Problem tooManyKeys(int most) {
    return of(
        409, "too_many_keys", "There are " + most + " admin keys, and no more may be: revoke one.");
  }

  /** An admin's key of this name exists, and is not to be replaced. */
  public static Problem keyExists(String name) {
    return of(
        409,
        "key_exists",
        "There is an admin key named "
            + name
            + ". With \"replace\": true it is replaced; \"keep_sec\" keeps the old one valid so long.");
  }

  /** No limits of that host. */
  public static Problem hostNotFound() {
    return of(404, "host_not_found", "This host has no settings of its own.");
  }

  /** The breaker of this host is closed. */
  public static Problem breakerNotFound() {
    return of(404, "breaker_not_found", "The circuit breaker of this host is closed.");
  }

  /** The limit of hosts with limits is reached. */
  public static Problem tooManyHosts(int most) {
    return of(
        409,
        "too_many_hosts",
        most + " hosts have settings, and no more may: delete those of one.");
  }

  /** No such tier. */
  public static Problem tierNotFound() {
    return of(404, "tier_not_found", "There is no such tier.");
  }

  /** A tier in use by clients. */
  public static Problem tierInUse() {
    return of(409, "tier_in_use", "Clients have this tier.");
  }

  /** Things that always exist. */
  public static Problem builtIn(String what) {
    return of(409, "built_in", "A built-in " + what + " cannot be deleted.");
  }

  /** A queue that still holds tasks. */
  public static Problem queueNotEmpty() {
    return of(409, "queue_not_empty", "The queue has tasks; with ?force=true they go with it.");
  }

  /** Cancelling a finished task. */
  public static Problem alreadyFinished(TaskState state) {
    return of(409, "already_finished", "The task is " + state.word() + ".");
  }

  /** Running a task that does not wait for a time. */
  public static Problem notRunnable(TaskState state) {
    return of(
        409,
        "not_runnable",
        "The task is " + state.word() + "; only a scheduled or retrying one can be run now.");
  }

  /** Reviving a task that is not dead. */
  public static Problem notDead(TaskState state) {
    return of(
        409, "not_dead", "The task is " + state.word() + "; only a dead one can be started again.");
  }

  /** A failed If-Match or If-None-Match. */
  public static Problem preconditionFailed() {
    return of(
        412,
        "precondition_failed",
        "It is not as If-Match or If-None-Match expects: it was made, changed or deleted meanwhile. Nothing was changed;"
            + " read it again.");
  }

  /** A document was applied except for one deletion. */
  public static Problem notPruned(String section, String name) {
    return of(
        409,
        "not_pruned",
        section
            + ": "
            + name
            + " is in use since it was looked at, and was not deleted. What the document names was applied;"
            + " apply it again.");
  }

  /** One idempotency key for two payloads. */
  public static Problem keyReused() {
    return of(422, "idempotency_key_reused", "This idempotency key was used with another payload.");
  }

  /** No such operation, or another client's. */
  public static Problem operationNotFound() {
    return of(404, "operation_not_found", "There is no such operation, or it is kept no longer.");
  }

  /** Stopping a finished operation. */
  public static Problem operationOver(String state) {
    return of(409, "already_finished", "The operation is " + state + ".");
  }

  // Limits, and unavailable parts.

  /** The limit of concurrent operations is reached. */
  public static Problem tooManyOperations() {
    return of(
            429,
            "too_many_operations",
            "Too many operations run; one more is taken when one of them has ended.")
        .withHeader("retry-after", "10");
  }

  /** The client's requests per minute are exceeded. */
  public static Problem rateLimited(String clientId, int requestsPerMin, Duration retryAfter) {
    long seconds = Math.max(1, (retryAfter.toMillis() + 999) / 1000);
    Map<String, Object> members = new LinkedHashMap<>();
    members.put("client_id", clientId);
    members.put("requests_per_min", requestsPerMin);
    members.put("retry_after", seconds);
    return new Problem(
        HttpStatus.TOO_MANY_REQUESTS,
        "rate_limited",
        "Client " + clientId + " is over its " + requestsPerMin + " tasks a minute.",
        List.of(),
        members,
        Map.of("retry-after", Long.toString(seconds)));
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
    String waits =
        bytes
            ? "The unfinished tasks of client %s have %d bytes of bodies; with %d more they would be over the %d that may wait."
                .formatted(clientId, there, body, most)
            : "Client %s has %d unfinished tasks; %d may wait.".formatted(clientId, there, most);
    return new Problem(
        HttpStatus.TOO_MANY_REQUESTS,
        "backlog_full",
        waits,
        List.of(),
        members,
        Map.of("retry-after", "5"));
  }

  /** Too many auto-registered clients. */
  public static Problem tooManyClients() {
    return of(
            429,
            "too_many_clients",
            "Too many clients that no admin set up are alive; an admin can set this one up.")
        .withHeader("retry-after", "60");
  }

  /** No capacity. */
  public static Problem storeFull() {
    return of(429, "store_full", "The store has no room for more tasks now.")
        .withHeader("retry-after", "5");
  }

  /** No answer from the store in time. */
  public static Problem storeUnavailable() {
    return of(
            503,
            "store_unavailable",
            "The store gave no answer in time. What was asked may or may not have been done; an enqueue may be repeated"
                + " with the same idempotency key.")
        .withHeader("retry-after", "1");
  }

  /** The limit of calls held while the store does not answer is reached. */
  public static Problem busy() {
    return of(
            503,
            "store_unavailable",
            "More calls wait for the store than this server holds. Nothing was done.")
        .withHeader("retry-after", "1");
  }

  /** A required part is unhealthy. */
  public static Problem notReady(String detail) {
    return of(503, "not_ready", detail).withHeader("retry-after", "1");
  }

  /** A bug. */
  public static Problem internal() {
    return of(500, "internal", "Something went wrong here; the log has it under this request id.");
  }
}
