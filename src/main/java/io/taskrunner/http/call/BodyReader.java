package io.taskrunner.http.call;

import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpObject;
import java.io.ByteArrayOutputStream;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscriber;
import org.reactivestreams.Subscription;

/**
 * Reads a body as it arrives, up to its limit and the bound on held bytes, and stops reading at
 * once beyond.
 */
final class BodyReader implements Subscriber<HttpObject> {

  private final int limit;
  private final HeldCalls held;
  private final CompletableFuture<byte[]> whole = new CompletableFuture<>();
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private @Nullable Subscription subscription;

  BodyReader(int limit, HeldCalls held) {
    this.limit = limit;
    this.held = held;
  }

  /**
   * Completes with the bytes, which are then held; exceptionally, and nothing is held, when the
   * body is too long or incomplete.
   */
  CompletableFuture<byte[]> whole() {
    return whole;
  }

  @Override
  public void onSubscribe(Subscription given) {
    subscription = given;
    given.request(Long.MAX_VALUE);
  }

  @Override
  public void onNext(HttpObject object) {
    if (!(object instanceof HttpData data) || whole.isDone()) {
      return; // Trailers are ignored here.
    }
    byte[] array = data.array();
    if (bytes.size() + array.length > limit) {
      stop(new Refusal(Problem.tooLarge(limit)));
    } else if (!held.hold(array.length)) {
      stop(new Refusal(Problem.busy()));
    } else {
      bytes.writeBytes(array);
    }
  }

  private void stop(Refusal refusal) {
    if (subscription != null) {
      subscription.cancel();
    }
    fail(refusal);
  }

  /** The caller disconnected, or was too slow: not an error of this server, and not logged. */
  @Override
  public void onError(Throwable brokenOff) {
    fail(new Refusal(Problem.tooSlow()));
  }

  private void fail(Refusal refusal) {
    if (!whole.isDone()) {
      held.letGo(bytes.size());
      whole.completeExceptionally(refusal);
    }
  }

  @Override
  public void onComplete() {
    whole.complete(bytes.toByteArray());
  }
}
