package io.taskrunner.http.call;

import com.linecorp.armeria.common.HttpMethod;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * One call of the contract.
 *
 * @param method GET includes HEAD
 * @param template such as {@code /v1/tasks/{id}}
 * @param access permitted callers
 * @param body whether it takes one
 * @param handler performs it
 * @param parameters the names of its query parameters
 */
public record Route(
    HttpMethod method,
    String template,
    Access access,
    Body body,
    Handler handler,
    List<String> parameters) {

  /** Copies the names. */
  public Route {
    parameters = List.copyOf(parameters);
  }

  /** A call without parameters. */
  public Route(HttpMethod method, String template, Access access, Body body, Handler handler) {
    this(method, template, access, body, handler, List.of());
  }

  /** This call with parameters of these names. */
  public Route taking(String... names) {
    return new Route(method, template, access, body, handler, List.of(names));
  }

  /** Whether an unknown parameter is an error; probes and scrapers add their own. */
  boolean isStrict() {
    return template.startsWith("/v1/") || template.startsWith("/admin/");
  }

  /** Whether a call takes a body, and its maximum size. */
  public enum Body {
    /** The body is ignored. */
    NONE,
    /** JSON; no body, an empty one and {@code {}} are the same. */
    OPTIONAL,
    /** JSON, up to {@code MAX_BODY_BYTES}. */
    REQUIRED,
    /** JSON, up to 16 MiB. */
    BATCH,
    /** JSON or YAML, up to 16 MiB. */
    DOCUMENT
  }

  /** Performs a call. */
  public sealed interface Handler {}

  /** May block: runs on a virtual thread. */
  @FunctionalInterface
  public non-sealed interface Blocking extends Handler {
    /**
     * Answers a call.
     *
     * @throws Refusal the call is rejected
     */
    Answer answer(Call call);
  }

  /** Never blocks: runs on an event loop. */
  @FunctionalInterface
  public non-sealed interface Direct extends Handler {
    /**
     * Answers a call.
     *
     * @return completes with the answer, or exceptionally, with a {@link Refusal} for a rejected
     *     call
     * @throws Refusal the call is rejected
     */
    CompletableFuture<Answer> answer(Call call);
  }

  /** A call that takes no body. */
  public static Route of(HttpMethod method, String template, Access access, Blocking handler) {
    return new Route(method, template, access, Body.NONE, handler);
  }

  /** A call that takes a body. */
  public static Route of(
      HttpMethod method, String template, Access access, Body body, Blocking handler) {
    return new Route(method, template, access, body, handler);
  }
}
