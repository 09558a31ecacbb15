package io.taskrunner.app;

import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.common.export.Compressor;
import io.opentelemetry.sdk.common.export.HttpResponse;
import io.opentelemetry.sdk.common.export.HttpSender;
import io.opentelemetry.sdk.common.export.HttpSenderConfig;
import io.opentelemetry.sdk.common.export.HttpSenderProvider;
import io.opentelemetry.sdk.common.export.MessageWriter;
import io.opentelemetry.sdk.common.export.RetryPolicy;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * Sends spans to a collector, one message after another. Unlike the JDK's newer client, which
 * OpenTelemetry would use, this one takes a host whose name has an underscore, as those of Compose
 * may have.
 */
final class OtlpSender implements HttpSender {

  /** Codes that OTLP has a sender repeat. */
  private static final Set<Integer> RETRIED = Set.of(429, 502, 503, 504);

  private static final int BODY_MAX = 64 * 1024;

  private final HttpSenderConfig config;
  private final ExecutorService thread =
      Executors.newSingleThreadExecutor(Thread.ofVirtual().name("otlp").factory());

  private OtlpSender(HttpSenderConfig config) {
    this.config = config;
  }

  /** Found by OpenTelemetry by its name. */
  public static final class Provider implements HttpSenderProvider {
    @Override
    public HttpSender createSender(HttpSenderConfig config) {
      return new OtlpSender(config);
    }
  }

  /** The response of a collector. */
  private record Answer(int status, @Nullable String message, byte[] body) implements HttpResponse {
    @Override
    public int getStatusCode() {
      return status;
    }

    @Override
    public String getStatusMessage() {
      return message == null ? "" : message;
    }

    @Override
    public byte[] getResponseBody() {
      return body;
    }
  }

  @Override
  public void send(
      MessageWriter message, Consumer<HttpResponse> onAnswer, Consumer<Throwable> onFailure) {
    thread.execute(() -> {
      try {
        onAnswer.accept(patiently(message));
      } catch (IOException | RuntimeException failed) {
        onFailure.accept(failed);
      } catch (InterruptedException stopped) {
        Thread.currentThread().interrupt();
        onFailure.accept(stopped);
      }
    });
  }

  private Answer patiently(MessageWriter message) throws IOException, InterruptedException {
    RetryPolicy policy = config.getRetryPolicy();
    int attempts = policy == null ? 1 : policy.getMaxAttempts();
    Duration pause = policy == null ? Duration.ZERO : policy.getInitialBackoff();
    for (int attempt = 1; ; attempt++) {
      try {
        Answer answer = once(message);
        if (attempt == attempts || !RETRIED.contains(answer.status())) {
          return answer;
        }
      } catch (IOException failed) {
        if (attempt == attempts) {
          throw failed;
        }
      }
      TimeUnit.NANOSECONDS.sleep(pause.toNanos());
      if (policy != null) {
        long next = (long) (pause.toNanos() * policy.getBackoffMultiplier());
        pause = Duration.ofNanos(Math.min(next, policy.getMaxBackoff().toNanos()));
      }
    }
  }

  private Answer once(MessageWriter message) throws IOException {
    HttpURLConnection call = (HttpURLConnection) config.getEndpoint().toURL().openConnection();
    SSLContext tls = config.getSslContext();
    if (tls != null && call instanceof HttpsURLConnection secure) {
      secure.setSSLSocketFactory(tls.getSocketFactory());
    }
    call.setConnectTimeout((int) config.getConnectTimeout().toMillis());
    call.setReadTimeout((int) config.getTimeout().toMillis());
    call.setInstanceFollowRedirects(false);
    call.setDoOutput(true);
    call.setRequestMethod("POST");
    call.setRequestProperty("Content-Type", config.getContentType());
    var headers = config.getHeadersSupplier().get();
    if (headers != null) {
      headers.forEach((name, values) -> values.forEach(it -> call.addRequestProperty(name, it)));
    }
    Compressor compressor = config.getCompressor();
    if (compressor != null) {
      call.setRequestProperty("Content-Encoding", compressor.getEncoding());
    }
    try (OutputStream plain = call.getOutputStream();
        OutputStream out = compressor == null ? plain : compressor.compress(plain)) {
      message.writeMessage(out);
    }
    int status = call.getResponseCode();
    try (InputStream in = status < 400 ? call.getInputStream() : call.getErrorStream()) {
      byte[] body = in == null ? new byte[0] : in.readNBytes(BODY_MAX);
      return new Answer(status, call.getResponseMessage(), body);
    }
  }

  @Override
  public CompletableResultCode shutdown() {
    thread.shutdown();
    return CompletableResultCode.ofSuccess();
  }
}
