package io.taskrunner.http.v1;

import io.taskrunner.schedule.Schedule.Settings;
import io.taskrunner.task.Callback;
import io.taskrunner.task.SecretNames;
import io.taskrunner.task.TargetRequest;
import io.taskrunner.task.TargetRequest.Header;
import io.taskrunner.task.TargetUrl;
import io.taskrunner.task.Task.TaskSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Restores the secrets of a schedule where its new settings have the mask, as they do when a read
 * schedule is sent back; and those of a task that is copied. A secret is kept only at its place:
 * with the same scheme, host and port, under the same name. Otherwise a caller that may set a
 * schedule, but not see its secrets, could have them sent to a server of its own.
 */
final class Unmasking {

  /** The rejection of a schedule whose secrets cannot be kept. */
  static final String REFUSAL =
      "contains a masked secret (***) that this schedule does not have for the same scheme, host and port"
          + " (expected: the secret itself)";

  private Unmasking() {}

  /** The destination of a request, and its possible secrets. */
  private record Sent(TargetUrl url, List<Header> headers) {
    boolean isMasked() {
      return Masking.isMasked(url.value()) || headers.stream().anyMatch(Sent::isMasked);
    }

    static boolean isMasked(Header header) {
      return header.value().equals(Masking.MASK) && SecretNames.hides(header.name());
    }

    boolean isFor(Sent other) {
      return url.scheme().equals(other.url.scheme())
          && url.host().equals(other.url.host())
          && url.port() == other.url.port();
    }

    Optional<String> header(String name) {
      return headers.stream()
          .filter(header -> header.name().equalsIgnoreCase(name))
          .map(Header::value)
          .findFirst();
    }
  }

  /**
   * The settings with the previous secrets.
   *
   * @param before of the schedule of that name; empty when there is none
   * @return empty when something is masked that did not exist, or was for another place
   */
  static Optional<Settings> of(Settings read, Optional<Settings> before) {
    return of(read.spec(), before.map(Settings::spec).orElse(null))
        .map(spec ->
            new Settings(
                read.clientId(),
                read.queue(),
                read.rhythm(),
                read.overlap(),
                read.catchUp(),
                read.jitter(),
                read.paused(),
                spec));
  }

  /**
   * A task with the secrets of another.
   *
   * @return empty when something is masked that the other does not have, or has for another place
   */
  static Optional<TaskSpec> of(TaskSpec read, @Nullable TaskSpec before) {
    TargetRequest request = read.request();
    Callback callback = read.callback();
    Sent sent = new Sent(request.url(), request.headers());
    Sent told = callback == null ? null : new Sent(callback.url(), callback.headers());
    if (!sent.isMasked() && (told == null || !told.isMasked())) {
      return Optional.of(read);
    }
    Callback toldBefore = before == null ? null : before.callback();
    Optional<Sent> whole =
        kept(
            sent,
            before == null ? null : new Sent(before.request().url(), before.request().headers()));
    Optional<Sent> wholeTold =
        told == null
            ? Optional.empty()
            : kept(
                told, toldBefore == null ? null : new Sent(toldBefore.url(), toldBefore.headers()));
    if (whole.isEmpty() || (told != null && wholeTold.isEmpty())) {
      return Optional.empty();
    }
    Callback unmasked =
        callback == null || wholeTold.isEmpty()
            ? null
            : new Callback(wholeTold.get().url(), wholeTold.get().headers(), callback.ends());
    return Optional.of(with(read, whole.get(), unmasked));
  }

  private static Optional<Sent> kept(Sent read, @Nullable Sent before) {
    if (!read.isMasked()) {
      return Optional.of(read);
    }
    if (before == null || !read.isFor(before)) {
      return Optional.empty();
    }
    Optional<TargetUrl> url =
        Masking.unmasked(read.url().value(), before.url().value())
            .flatMap(text ->
                TargetUrl.parse(text) instanceof TargetUrl.Parsed.Good(TargetUrl good)
                    ? Optional.of(good)
                    : Optional.empty());
    List<Header> headers = new ArrayList<>();
    for (Header header : read.headers()) {
      Optional<String> value =
          Sent.isMasked(header) ? before.header(header.name()) : Optional.of(header.value());
      value.ifPresent(text -> headers.add(new Header(header.name(), text)));
    }
    return headers.size() == read.headers().size()
        ? url.map(whole -> new Sent(whole, headers))
        : Optional.empty();
  }

  private static TaskSpec with(TaskSpec spec, Sent sent, @Nullable Callback callback) {
    TargetRequest request = spec.request();
    return new TaskSpec(
        new TargetRequest(
            request.method(),
            sent.url(),
            sent.headers(),
            request.body(),
            request.text(),
            request.token()),
        spec.retry(),
        spec.timeout(),
        spec.expires(),
        spec.maxConcurrent(),
        spec.retention(),
        spec.labels(),
        spec.trace(),
        callback == null ? spec.telling() : callback);
  }
}
