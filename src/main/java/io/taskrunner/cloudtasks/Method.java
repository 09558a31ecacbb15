package io.taskrunner.cloudtasks;

import com.google.protobuf.Message;
import io.taskrunner.client.Scope;
import io.taskrunner.http.call.Caller;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One method of a service, and its REST binding.
 *
 * @param path of gRPC: {@code /service/method}
 * @param request an empty one; loaded at the first call
 * @param scope that the key of a client needs; null for a method that needs no credentials
 * @param handler performs it
 * @param rest {@code VERB collection/*&#47;collection:verb}, as {@link Rest} derives it from a call
 * @param name the field that the path names, in dots
 * @param body the field that holds the body; {@code *} for the entire message, empty for no body
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

  /** Answers a method. */
  sealed interface Handler {
    /** Never blocks. */
    record Direct(Answer<CompletableFuture<? extends Message>> answer) implements Handler {}

    /** May block. */
    record Blocking(Answer<Message> answer) implements Handler {}
  }

  /** Answers a request of the method's type. */
  interface Answer<A> {
    A to(Message request, Caller caller);
  }
}
