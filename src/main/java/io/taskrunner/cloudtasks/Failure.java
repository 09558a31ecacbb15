package io.taskrunner.cloudtasks;

import com.google.protobuf.Any;
import com.google.rpc.Code;
import com.google.rpc.Help;
import com.google.rpc.Status;
import io.taskrunner.http.call.Problem;
import io.taskrunner.http.call.Refusal;
import io.taskrunner.store.StoreUnavailable;
import java.io.Serial;
import java.util.Optional;
import java.util.concurrent.CompletionException;

/** Ends a call with one of Google's codes. Carries no stack: it is an answer, not a bug. */
final class Failure extends RuntimeException {

  @Serial private static final long serialVersionUID = 1L;

  private final transient Status status;

  /** With this code and sentence. */
  Failure(Code code, String message) {
    this(Status.newBuilder().setCode(code.getNumber()).setMessage(message).build());
  }

  private Failure(Status status) {
    super(status.getMessage(), null, false, false);
    this.status = status;
  }

  /** A foreign text as a message may hold it. */
  static String shown(String text) {
    return '"' + (text.length() > 64 ? text.substring(0, 64) + "…" : text) + '"';
  }

  /** The caller asked for something impossible. */
  static Failure invalid(String message) {
    return new Failure(Code.INVALID_ARGUMENT, message);
  }

  /** Like {@link #invalid(String)}, with a link to the possible values. */
  static Failure invalid(String message, String definition, String url) {
    Help.Link link = Help.Link.newBuilder().setDescription(definition).setUrl(url).build();
    return new Failure(
        Status.newBuilder()
            .setCode(Code.INVALID_ARGUMENT_VALUE)
            .setMessage(message)
            .addDetails(Any.pack(Help.newBuilder().addLinks(link).build()))
            .build());
  }

  /**
   * The error for the caller of something thrown.
   *
   * @return empty when it is a bug
   */
  static Optional<Failure> of(Throwable thrown) {
    Throwable cause =
        thrown instanceof CompletionException && thrown.getCause() != null
            ? thrown.getCause()
            : thrown;
    return switch (cause) {
      case Failure failure -> Optional.of(failure);
      case Refusal refusal -> Optional.of(of(refusal.problem()));
      case StoreUnavailable _ ->
          Optional.of(new Failure(Code.UNAVAILABLE, "The store is not reachable; retry later."));
      default -> Optional.empty();
    };
  }

  private static Failure of(Problem problem) {
    int http = problem.status().code();
    Code code =
        switch (http) {
          case 401 -> Code.UNAUTHENTICATED;
          case 403, 421 -> Code.PERMISSION_DENIED;
          case 408 -> Code.DEADLINE_EXCEEDED;
          case 429 -> Code.RESOURCE_EXHAUSTED;
          case 503 -> Code.UNAVAILABLE;
          default -> http / 100 == 4 ? Code.INVALID_ARGUMENT : Code.INTERNAL;
        };
    return new Failure(code, problem.detail());
  }

  /** A bug, of which the caller learns nothing. */
  static Failure internal() {
    return new Failure(Code.INTERNAL, "Internal error encountered.");
  }

  /** The code, the sentence and its details. */
  Status status() {
    return status;
  }

  Code code() {
    return codeOf(status);
  }

  /** The HTTP status of the code, as {@code google/rpc/code.proto} defines it. */
  int http() {
    return switch (code()) {
      case OK -> 200;
      case INVALID_ARGUMENT, FAILED_PRECONDITION, OUT_OF_RANGE -> 400;
      case UNAUTHENTICATED -> 401;
      case PERMISSION_DENIED -> 403;
      case NOT_FOUND -> 404;
      case ALREADY_EXISTS, ABORTED -> 409;
      case RESOURCE_EXHAUSTED -> 429;
      case CANCELLED -> 499;
      case UNIMPLEMENTED -> 501;
      case UNAVAILABLE -> 503;
      case DEADLINE_EXCEEDED -> 504;
      case UNKNOWN, INTERNAL, DATA_LOSS, UNRECOGNIZED -> 500;
    };
  }

  static Code codeOf(Status status) {
    Code code = Code.forNumber(status.getCode());
    return code == null ? Code.UNKNOWN : code;
  }
}
