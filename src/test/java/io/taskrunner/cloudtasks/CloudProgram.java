package io.taskrunner.cloudtasks;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.taskrunner.testkit.ProgramProcess;
import io.taskrunner.testkit.RedisServer;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/** The program with a Redis of its own, for callers of Google's protocol. */
final class CloudProgram implements AutoCloseable {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final HttpClient CALLER =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private static final AtomicInteger NUMBER = new AtomicInteger();

  final RedisServer redis = RedisServer.start();
  final ProgramProcess program;

  private CloudProgram(Map<String, String> env) throws IOException, InterruptedException {
    Map<String, String> whole =
        new HashMap<>(
            Map.of(
                "REDIS_URL", "redis://127.0.0.1:" + redis.port(),
                "BIND", "127.0.0.1",
                "ALLOW_PRIVATE_URLS", "true",
                "CLOUD_TASKS_AUTH", "open",
                "CLOUD_TASKS_OPEN_TOKENS", "true"));
    whole.putAll(env);
    program = ProgramProcess.start(whole, "serve");
    try {
      program.awaitReady();
    } catch (InterruptedException | RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  static CloudProgram start(String... env) throws IOException, InterruptedException {
    Map<String, String> set = new HashMap<>();
    for (int i = 0; i < env.length; i += 2) {
      set.put(env[i], env[i + 1]);
    }
    return new CloudProgram(set);
  }

  /** {@code host:port}. */
  String address() {
    return program.url().replaceFirst("https?://", "");
  }

  /** A name that no test has used. */
  static String fresh(String word) {
    return word + "-" + NUMBER.incrementAndGet();
  }

  /** A response with a JSON body. */
  record Reply(int status, HttpResponse<String> raw) {
    JsonNode json() {
      try {
        return JSON.readTree(raw.body());
      } catch (IOException e) {
        throw new AssertionError("no JSON: " + raw.body(), e);
      }
    }

    /** The canonical name of its code, and its sentence. */
    String error() {
      return json().at("/error/status").asText() + ": " + json().at("/error/message").asText();
    }
  }

  /** Calls a path unchanged; null means no body. */
  Reply call(String method, String path, String body, String... headers) throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(program.url() + path))
            .method(
                method,
                body == null
                    ? HttpRequest.BodyPublishers.noBody()
                    : HttpRequest.BodyPublishers.ofString(body));
    if (headers.length > 0) {
      request.headers(headers);
    }
    HttpResponse<String> answer =
        CALLER.send(request.build(), HttpResponse.BodyHandlers.ofString());
    return new Reply(answer.statusCode(), answer);
  }

  @Override
  public void close() {
    program.close();
    redis.close();
  }
}
