package io.taskrunner.http.call;

/** The error responses for things that do not exist, or that the caller may not see. */
public final class Missing {

  private Missing() {}

  /** No such path. */
  public static Problem path(String path) {
    return Problem.of(404, "not_found", "No path %s.", path);
  }

  /** No such task, or another client's. */
  public static Problem task(String id) {
    return Problem.of(
        404,
        "task_not_found",
        "No task %s: it never existed, its retention is over, or it belongs to another client.",
        id);
  }

  /** No such operation, or another client's. */
  public static Problem operation(String id) {
    return Problem.of(
        404,
        "operation_not_found",
        "No operation %s: it never existed, is no longer kept, or belongs to another client.",
        id);
  }

  /** No such queue. */
  public static Problem queue(String name) {
    return Problem.of(404, "queue_not_found", "No queue %s. An admin can create it.", name);
  }

  /** No such schedule. */
  public static Problem schedule(String name) {
    return Problem.of(404, "schedule_not_found", "No schedule %s.", name);
  }

  /** No such client. */
  public static Problem client(String id) {
    return Problem.of(404, "client_not_found", "No client %s. An admin can create it.", id);
  }

  /** No such key of this client. */
  public static Problem key(String clientId, String keyId) {
    return Problem.of(404, "key_not_found", "Client %s has no key %s.", clientId, keyId);
  }

  /** The client does not sign. */
  public static Problem signingSecret(String clientId) {
    return Problem.of(
        404,
        "signing_secret_not_found",
        "Client %s has no signing secret. PUT creates one.",
        clientId);
  }

  /** No such session. */
  public static Problem session(String id) {
    return Problem.of(404, "session_not_found", "No session %s: it may have ended.", id);
  }

  /** No such tier. */
  public static Problem tier(String name) {
    return Problem.of(404, "tier_not_found", "No tier %s.", name);
  }

  /** No limits of that host. */
  public static Problem host(String host) {
    return Problem.of(404, "host_not_found", "Host %s has no settings.", host);
  }

  /** The breaker of this host is closed. */
  public static Problem breaker(String host) {
    return Problem.of(
        404, "breaker_not_found", "The circuit breaker of host %s is already closed.", host);
  }

  /** No admin's key of this name. */
  public static Problem adminKey(String name) {
    return Problem.of(404, "key_not_found", "No admin key %s.", name);
  }
}
