package io.taskrunner.cloudtasks;

import com.google.protobuf.Message;
import io.taskrunner.client.Scope;
import io.taskrunner.http.call.Caller;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One method of a service, and where REST has it.
 *
 * @param path of gRPC: {@code /service/method}
 * @param request an empty one; loaded when it is first called
 * @param scope what a client's key must open; null for a method that needs no credentials
 * @param handler answers it
 * @param rest {@code VERB collection/*&#47;collection:verb}, as {@link Rest} makes it of a call
 * @param name the field that the path names, in dots
 * @param body the field that the body is; {@code *} for the whole message, empty for no body
 */
record Method(
    String path,
    Supplier<? extends Message> request,
    @Nullable Scope scope,
    Handler handler,
    String rest,
    String name,
    String body) {

  /** Whether it needs no credentials. */
  boolean isForAll() {
    return scope == null;
  }

  /** How a method is answered. */
  sealed interface Handler {
    /** Never blocks. */
    record Direct(Answer<CompletableFuture<? extends Message>> answer) implements Handler {}

    /** May block. */
    record Blocking(Answer<Message> answer) implements Handler {}
  }

  /** Answers a request of the type that the method has. */
  interface Answer<A> {
    A to(Message request, Caller caller);
  }
}
