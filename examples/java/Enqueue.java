import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;

/**
 * Enqueues a task that is sent to TARGET: java Enqueue.java '{"order": 4711}'
 *
 * <p>TASK_RUNNER_URL, TASK_RUNNER_API_KEY and TARGET come from the environment. Prints the response, with the task's id.
 */
class Enqueue {
  private static final Map<String, String> ENV = System.getenv();
  private static final HttpClient HTTP = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();

  /** Enqueues once, however often the call has to be repeated: each repetition has the same idempotency key. */
  static String enqueue(String json, String idempotencyKey, int attempts) throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(ENV.getOrDefault("TASK_RUNNER_URL", "http://localhost:8080") + "/v1/enqueue"))
            .timeout(Duration.ofSeconds(10))
            .header("Content-Type", "application/json")
            .header("Authorization", "Bearer " + ENV.get("TASK_RUNNER_API_KEY"))
            .header("Idempotency-Key", idempotencyKey)
            .POST(HttpRequest.BodyPublishers.ofString(json))
            .build();
    for (int attempt = 1; ; attempt++) {
      long wait = 1L << attempt;
      try {
        HttpResponse<String> response = HTTP.send(request, BodyHandlers.ofString());
        if (response.statusCode() / 100 == 2) {
          return response.body(); // 201 enqueued, or 200: an earlier repetition was already accepted
        }
        // 429: a limit, and nothing was accepted. 503: unknown; the task may have been accepted.
        if (response.statusCode() != 429 && response.statusCode() != 503 || attempt == attempts) {
          throw new IllegalStateException(response.statusCode() + " " + response.body());
        }
        wait = response.headers().firstValueAsLong("Retry-After").orElse(wait);
      } catch (IOException unknown) { // no connection, or no answer
        if (attempt == attempts) {
          throw unknown;
        }
      }
      Thread.sleep(Duration.ofSeconds(wait));
    }
  }

  public static void main(String[] args) throws Exception {
    String body = (args.length > 0 ? args[0] : "{}").replace("\\", "\\\\").replace("\"", "\\\"");
    String json = "{\"task\": {\"url\": \"%s\", \"body\": \"%s\"}}".formatted(ENV.get("TARGET"), body);
    System.out.println(enqueue(json, UUID.randomUUID().toString(), 5));
  }
}
