package io.taskrunner.cloudtasks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.api.gax.rpc.ResourceExhaustedException;
import com.google.api.gax.rpc.UnavailableException;
import com.google.cloud.tasks.v2.CloudTasksClient;
import com.google.cloud.tasks.v2.HttpRequest;
import com.google.cloud.tasks.v2.LocationName;
import com.google.cloud.tasks.v2.Queue;
import com.google.cloud.tasks.v2.Task;
import io.taskrunner.cloudtasks.CloudProgram.Reply;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The responses to callers when the store is full, and when it is unavailable. */
@Timeout(120)
class ShortageTest {

  private static final LocationName PARENT = LocationName.of("shop", "l");
  private static final String QUEUE = PARENT + "/queues/q";
  private static final String TASK =
      "{\"task\":{\"httpRequest\":{\"url\":\"http://127.0.0.1:1/\"}}}";

  @Test
  void aFullStoreIsResourceExhaustedAndAnUnreachableOneUnavailable() throws Exception {
    try (CloudProgram program =
            CloudProgram.start("STORE_MAX_BYTES", "1048576", "REDIS_COMMAND_TIMEOUT_MS", "500");
        CloudTasksClient client =
            CloudTasksClient.create(GoogleClientTest.grpc(program.address()))) {
      client.createQueue(PARENT, Queue.newBuilder().setName(QUEUE).build());
      Task task =
          Task.newBuilder()
              .setHttpRequest(HttpRequest.newBuilder().setUrl("http://127.0.0.1:1/"))
              .build();
      assertThrows(ResourceExhaustedException.class, () -> client.createTask(QUEUE, task));
      Reply full = program.call("POST", "/v2/" + QUEUE + "/tasks", TASK);
      assertEquals(429, full.status());
      assertTrue(full.error().startsWith("RESOURCE_EXHAUSTED: The store is full"), full.error());

      program.redis.freeze();
      try {
        assertThrows(UnavailableException.class, () -> client.pauseQueue(QUEUE));
        Reply away = program.call("GET", "/v2/" + QUEUE, null);
        assertEquals(503, away.status());
        assertTrue(
            away.error().startsWith("UNAVAILABLE: The store is not reachable"), away.error());
      } finally {
        program.redis.thaw();
      }
      program.program.awaitReady(java.time.Duration.ofSeconds(30));
      assertEquals(QUEUE, client.getQueue(QUEUE).getName());
    }
  }
}
