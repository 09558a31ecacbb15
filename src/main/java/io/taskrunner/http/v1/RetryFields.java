package io.taskrunner.http.v1;

import io.taskrunner.http.call.Fields;
import io.taskrunner.http.call.JsonOut;
import io.taskrunner.task.Retry;
import io.taskrunner.task.RetryPolicy;
import java.io.IOException;

/** The object {@code retry}, of a task or a queue. */
final class RetryFields {

  private static final int RETRIES_MAX = 100;

  /** A month and a half: the maximum of a record. */
  private static final long MIN_BACKOFF_MAX = 4_000_000;

  private static final int DOUBLINGS_MAX = 1000;

  private RetryFields() {}

  static Retry read(Fields of) {
    Fields fields = of.object("retry");
    if (fields == null) {
      return Retry.UNSET;
    }
    Retry retry =
        new Retry(
            fields.integer("max_retries", 0, RETRIES_MAX),
            fields.seconds("min_backoff_sec", false, MIN_BACKOFF_MAX),
            fields.seconds("max_backoff_sec", false, Fields.SECONDS_MAX),
            fields.integer("max_doublings", 0, DOUBLINGS_MAX),
            fields.seconds("max_duration_sec", true, Fields.SECONDS_MAX),
            fields.flag("retry_client_errors"));
    fields.done();
    return retry;
  }

  /** All fields of a policy. */
  static void write(JsonOut out, RetryPolicy policy) throws IOException {
    out.number("max_retries", policy.maxRetries());
    out.seconds("min_backoff_sec", policy.minBackoff());
    out.seconds("max_backoff_sec", policy.maxBackoff());
    out.number("max_doublings", policy.maxDoublings());
    out.seconds("max_duration_sec", policy.maxDuration());
    out.flag("retry_client_errors", policy.retryClientErrors());
  }

  /** Only the set fields. */
  static void write(JsonOut to, Retry retry) throws IOException {
    to.object(
        "retry",
        JsonOut.withoutNulls(out -> {
          out.number("max_retries", retry.maxRetries());
          out.seconds("min_backoff_sec", retry.minBackoff());
          out.seconds("max_backoff_sec", retry.maxBackoff());
          out.number("max_doublings", retry.maxDoublings());
          out.seconds("max_duration_sec", retry.maxDuration());
          out.flag("retry_client_errors", retry.retryClientErrors());
        }));
  }
}
