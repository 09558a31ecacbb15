package io.taskrunner.faults;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.taskrunner.testkit.ProgramProcess;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;

/**
 * Calls of an API by its admin, each of which must succeed.
 *
 * @param api its URL
 */
record Admin(ProgramProcess api) {

  private static final JsonMapper JSON = new JsonMapper();
  private static final Duration PATIENCE = Duration.ofSeconds(90);
  private static final long POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  /** Sets a client whose limits no scenario reaches. */
  void client(String id) throws IOException, InterruptedException {
    post(
        "/admin/clients/set",
        "{\"client_id\":\""
            + id
            + "\",\"rate_limit\":{\"max_concurrent\":10000,\"requests_per_min\":1000000}}");
  }

  /** Enqueues a task; returns its id. */
  String enqueue(String json) throws IOException, InterruptedException {
    return post("/v1/enqueue", json).get("task_id").asText();
  }

  /** Posts JSON to a path. */
  JsonNode post(String path, String json) throws IOException, InterruptedException {
    return read(path, api.post(path, json, "X-Admin-Key", Scene.ADMIN_KEY));
  }

  /** Puts JSON to a path. */
  JsonNode put(String path, String json) throws IOException, InterruptedException {
    return read(path, api.put(path, json, "X-Admin-Key", Scene.ADMIN_KEY));
  }

  /** Whether this is rejected because the store is full; else it must be accepted. */
  boolean isFull(String json) throws IOException, InterruptedException {
    HttpResponse<String> answer = api.post("/v1/enqueue", json, "X-Admin-Key", Scene.ADMIN_KEY);
    if (!isStoreFull(answer)) {
      read("/v1/enqueue", answer);
      return false;
    }
    return true;
  }

  /** Whether an answer reports that the store is full, with a time to retry. */
  static boolean isStoreFull(HttpResponse<String> answer) {
    return answer.statusCode() == 429
        && answer.body().contains("\"code\":\"store_full\"")
        && answer.headers().firstValue("Retry-After").isPresent();
  }

  /** Cancels a task. */
  void cancel(String id) throws IOException, InterruptedException {
    String path = "/v1/tasks/" + id;
    read(path, api.delete(path, "X-Admin-Key", Scene.ADMIN_KEY));
  }

  /** The current state of a task. */
  JsonNode task(String id) throws IOException, InterruptedException {
    return get("/v1/tasks/" + id);
  }

  /** The current state of a queue. */
  JsonNode stats(String queue) throws IOException, InterruptedException {
    return get("/v1/queues/" + queue).get("stats");
  }

  /** Waits until a task is in a state; returns it as of then. */
  JsonNode awaitState(String id, String state) throws IOException, InterruptedException {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    JsonNode task = task(id);
    while (!task.get("state").asText().equals(state)) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("not " + state + ": " + task);
      }
      LockSupport.parkNanos(POLL_NANOS);
      task = task(id);
    }
    return task;
  }

  /** Waits until a queue is in this state; returns it as of then. */
  JsonNode awaitStats(String queue, Predicate<JsonNode> like)
      throws IOException, InterruptedException {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    JsonNode stats = stats(queue);
    while (!like.test(stats)) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("the queue " + queue + " stands at " + stats);
      }
      LockSupport.parkNanos(POLL_NANOS);
      stats = stats(queue);
    }
    return stats;
  }

  /** The answer to a GET. */
  JsonNode get(String path) throws IOException, InterruptedException {
    return read(path, api.get(path, "X-Admin-Key", Scene.ADMIN_KEY));
  }

  private static JsonNode read(String path, HttpResponse<String> answer) throws IOException {
    if (answer.statusCode() / 100 != 2) {
      throw new AssertionError(path + ": " + answer.statusCode() + " " + answer.body());
    }
    return JSON.readTree(answer.body());
  }
}
