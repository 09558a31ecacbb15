package io.taskrunner.cloudtasks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.api.gax.rpc.ApiException;
import com.google.api.gax.rpc.StatusCode;
import com.google.cloud.tasks.v2.CloudTasksClient;
import com.google.cloud.tasks.v2.CloudTasksGrpc;
import com.google.cloud.tasks.v2.CreateTaskRequest;
import com.google.cloud.tasks.v2.HttpRequest;
import com.google.cloud.tasks.v2.ListQueuesRequest;
import com.google.cloud.tasks.v2.Queue;
import com.google.cloud.tasks.v2.Task;
import com.google.protobuf.Empty;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import io.taskrunner.cloudtasks.CloudProgram.Reply;
import io.taskrunner.cloudtasks.v1.BatchCreateTasksRequest;
import io.taskrunner.cloudtasks.v1.BatchCreateTasksResponse;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Permitted callers, on both surfaces, where credentials are required; and additions to Google's.
 */
@Timeout(120)
class CallersTest {

  private static final String ADMIN = "an-admin-key";
  private static final String QUEUES = "/v2/projects/p/locations/l/queues";

  private static CloudProgram program;
  private static ManagedChannel channel;

  @BeforeAll
  static void start() throws Exception {
    program =
        CloudProgram.start(
            "CLOUD_TASKS_AUTH", "required",
            "CLOUD_TASKS_OPEN_TOKENS", "false",
            "CLOUD_TASKS_AUTO_CREATE_QUEUES", "true",
            "CLOUD_TASKS_QUEUE_REUSE_SEC", "0",
            "CLOUD_TASKS_TASK_REUSE_SEC", "0",
            "CLOUD_TASKS_MAX_SCHEDULE_DAYS", "400",
            "CLOUD_TASKS_TOKENS_NEED_HTTPS", "true",
            "ADMIN_API_KEY", ADMIN);
    channel = ManagedChannelBuilder.forTarget(program.address()).usePlaintext().build();
  }

  @AfterAll
  static void stop() throws Exception {
    channel.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
    program.close();
  }

  private static CloudTasksGrpc.CloudTasksBlockingStub as(String token) {
    Metadata metadata = new Metadata();
    metadata.put(
        Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + token);
    return CloudTasksGrpc.newBlockingStub(channel)
        .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(metadata));
  }

  private static String keyOf(String client, String queues) throws Exception {
    return keyOf(client, queues, "[\"enqueue\",\"read\",\"operate\"]");
  }

  private static String keyOf(String client, String queues, String scopes) throws Exception {
    Reply set =
        program.call(
            "POST",
            "/admin/clients/set",
            "{\"client_id\":\"" + client + "\",\"allowed_queues\":" + queues + "}",
            "X-Admin-Key",
            ADMIN,
            "Content-Type",
            "application/json");
    assertEquals(200, set.status(), set.raw().body());
    Reply key =
        program.call(
            "POST",
            "/admin/clients/" + client + "/keys",
            "{\"scopes\":" + scopes + "}",
            "X-Admin-Key",
            ADMIN);
    assertEquals(201, key.status(), key.raw().body());
    return key.json().at("/key").asText();
  }

  private static ListQueuesRequest list(String project) {
    return ListQueuesRequest.newBuilder().setParent("projects/" + project + "/locations/l").build();
  }

  private static CreateTaskRequest later(String queue) {
    return CreateTaskRequest.newBuilder()
        .setParent(queue)
        .setTask(
            Task.newBuilder()
                .setScheduleTime(
                    com.google.protobuf.util.Timestamps.fromMillis(
                        System.currentTimeMillis() + 300L * 86_400_000))
                .setHttpRequest(HttpRequest.newBuilder().setUrl("http://127.0.0.1:1/")))
        .build();
  }

  private static void refused(Status.Code code, String message, Runnable call) {
    StatusRuntimeException refused = assertThrows(StatusRuntimeException.class, call::run);
    assertEquals(code, refused.getStatus().getCode(), refused.getMessage());
    assertTrue(refused.getMessage().contains(message), refused.getMessage());
  }

  @Test
  void anonymousCallersAreRejectedWithAReason() throws Exception {
    refused(
        Status.Code.UNAUTHENTICATED,
        "CLOUD_TASKS_AUTH",
        () -> CloudTasksGrpc.newBlockingStub(channel).listQueues(list("p")));
    refused(
        Status.Code.UNAUTHENTICATED, "neither an API key", () -> as("owner").listQueues(list("p")));
    refused(
        Status.Code.UNAUTHENTICATED,
        "API key is invalid",
        () -> as("tr_" + "x".repeat(43)).listQueues(list("p")));
    Reply rest = program.call("GET", QUEUES, null);
    assertEquals(401, rest.status());
    assertTrue(
        rest.error().startsWith("UNAUTHENTICATED: This call requires an API key"), rest.error());
    assertEquals(401, program.call("GET", QUEUES, null, "X-Admin-Key", "wrong").status());
    try (CloudTasksClient client =
        CloudTasksClient.create(GoogleClientTest.grpc(program.address()))) {
      ApiException refused =
          assertThrows(
              ApiException.class,
              () ->
                  client.createQueue(
                      "projects/p/locations/l", Queue.newBuilder().setName("x").build()));
      assertEquals(StatusCode.Code.UNAUTHENTICATED, refused.getStatusCode().getCode());
    }
  }

  @Test
  void anAdminMayUseEitherHeader() throws Exception {
    assertEquals(0, as(ADMIN).listQueues(list("none")).getQueuesCount());
    assertEquals(200, program.call("GET", QUEUES, null, "X-Admin-Key", ADMIN).status());
    assertEquals(
        200, program.call("GET", QUEUES, null, "Authorization", "Bearer " + ADMIN).status());
  }

  @Test
  void aNamedAdminKeyMayChangeAndAReadOnlyOneMayRead() throws Exception {
    String queue = "projects/p/locations/l/queues/named";
    String full = adminKey("full", "false");
    String name = as(full).createTask(later(queue)).getName();
    String reads = adminKey("reads", "true");
    as(reads).listQueues(list("p"));
    refused(Status.Code.PERMISSION_DENIED, "read-only", () -> as(reads).createTask(later(queue)));
    assertEquals(403, program.call("DELETE", "/v2/" + name, null, "X-Admin-Key", reads).status());
    assertEquals(200, program.call("DELETE", "/v2/" + name, null, "X-Admin-Key", full).status());
    refused(
        Status.Code.UNAUTHENTICATED,
        "API key is invalid",
        () -> as("tra_" + "x".repeat(43)).listQueues(list("p")));
  }

  private static String adminKey(String name, String readOnly) throws Exception {
    Reply made =
        program.call(
            "POST",
            "/admin/keys",
            "{\"name\":\"" + name + "\",\"read_only\":" + readOnly + "}",
            "X-Admin-Key",
            ADMIN);
    assertEquals(201, made.status(), made.raw().body());
    return made.json().at("/key").asText();
  }

  @Test
  void aClientMayUseOnlyItsAllowedQueues() throws Exception {
    assertEquals(0, as(keyOf("free", "null")).listQueues(list("free")).getQueuesCount());
    String bound = keyOf("bound", "[\"projects/mine/*\",\"projects/p/locations/l/queues/one\"]");
    assertEquals(0, as(bound).listQueues(list("mine")).getQueuesCount());
    refused(Status.Code.PERMISSION_DENIED, "allowed_queues", () -> as(bound).listQueues(list("p")));
    refused(
        Status.Code.PERMISSION_DENIED,
        "allowed_queues",
        () -> as(bound).createTask(later("projects/p/locations/l/queues/two")));
    refused(
        Status.Code.PERMISSION_DENIED,
        "allowed_queues",
        () -> as(bound).createTask(later("projects/minetoo/locations/l/queues/two")));
    as(bound).createTask(later("projects/p/locations/l/queues/one"));
    String other = keyOf("other", "[\"low\"]");
    refused(Status.Code.PERMISSION_DENIED, "allowed_queues", () -> as(other).listQueues(list("p")));
  }

  @Test
  void aClientKeyPermitsWhatItsScopesAllow() throws Exception {
    String queue = "projects/p/locations/l/queues/scoped";
    String name = as(ADMIN).createTask(later(queue)).getName();
    String creates = keyOf("creates", "null", "[\"enqueue\"]");
    as(creates).createTask(later(queue));
    refused(
        Status.Code.PERMISSION_DENIED, "scope \"read\"", () -> as(creates).listQueues(list("p")));
    String reads = keyOf("reads", "null", "[\"read\"]");
    as(reads).listQueues(list("p"));
    refused(
        Status.Code.PERMISSION_DENIED,
        "scope \"enqueue\"",
        () -> as(reads).createTask(later(queue)));
    refused(
        Status.Code.PERMISSION_DENIED,
        "scope \"operate\"",
        () ->
            as(reads)
                .purgeQueue(
                    com.google.cloud.tasks.v2.PurgeQueueRequest.newBuilder()
                        .setName(queue)
                        .build()));
    assertEquals(
        403,
        program.call("DELETE", "/v2/" + name, null, "Authorization", "Bearer " + reads).status());
    String operates = keyOf("operates", "null", "[\"operate\"]");
    refused(
        Status.Code.PERMISSION_DENIED,
        "scope \"enqueue\"",
        () -> as(operates).createTask(later(queue)));
    assertEquals(
        200,
        program
            .call("DELETE", "/v2/" + name, null, "Authorization", "Bearer " + operates)
            .status());
    String test = "/v2/" + queue + ":testIamPermissions";
    String asked =
        "{\"permissions\":[\"cloudtasks.tasks.create\",\"cloudtasks.tasks.get\","
            + "\"cloudtasks.queues.list\",\"cloudtasks.queues.purge\"]}";
    assertEquals(
        "[\"cloudtasks.tasks.get\",\"cloudtasks.queues.list\"]",
        program
            .call("POST", test, asked, "Authorization", "Bearer " + reads)
            .json()
            .path("permissions")
            .toString());
  }

  @Test
  void aTaskCreatesItsQueueAndNamesAreReusableIfConfigured() throws Exception {
    String queue = "projects/p/locations/l/queues/" + CloudProgram.fresh("auto");
    for (int i = 0; i < 2; i++) {
      CreateTaskRequest request = later(queue);
      String name = queue + "/tasks/again";
      CreateTaskRequest named =
          request.toBuilder().setTask(request.getTask().toBuilder().setName(name)).build();
      for (int j = 0; j < 2; j++) {
        assertEquals(name, as(ADMIN).createTask(named).getName());
        as(ADMIN)
            .deleteTask(
                com.google.cloud.tasks.v2.DeleteTaskRequest.newBuilder().setName(name).build());
      }
      as(ADMIN)
          .deleteQueue(
              com.google.cloud.tasks.v2.DeleteQueueRequest.newBuilder().setName(queue).build());
    }
  }

  @Test
  void tokensRequireHttpsIfConfigured() throws Exception {
    String queue = "projects/p/locations/l/queues/tokens";
    for (String scheme : new String[] {"http", "https"}) {
      String body =
          "{\"task\":{\"scheduleTime\":\"2027-06-01T00:00:00Z\",\"httpRequest\":{\"url\":\""
              + scheme
              + "://h/\",\"oidcToken\":{\"serviceAccountEmail\":\"a@b\"}}}}";
      Reply made = program.call("POST", "/v2/" + queue + "/tasks", body, "X-Admin-Key", ADMIN);
      assertEquals(scheme.equals("https") ? 200 : 400, made.status(), made.raw().body());
    }
  }

  @Test
  void anonymousCallersCannotUseTokens() throws Exception {
    try (CloudProgram open = CloudProgram.start("CLOUD_TASKS_OPEN_TOKENS", "false")) {
      String queue = "/v2/projects/p/locations/l/queues";
      assertEquals(
          200, open.call("POST", queue, "{\"name\":\"projects/p/locations/l/queues/q\"}").status());
      for (Map.Entry<String, Integer> token :
          Map.of(
                  "", 200,
                  ",\"oidcToken\":{\"serviceAccountEmail\":\"a@b\"}", 403,
                  ",\"oauthToken\":{\"serviceAccountEmail\":\"a@b\"}", 403)
              .entrySet()) {
        Reply made =
            open.call(
                "POST",
                queue + "/q/tasks",
                "{\"task\":{\"httpRequest\":{\"url\":\"http://127.0.0.1:1/\""
                    + token.getKey()
                    + "}}}");
        assertEquals(token.getValue(), made.status(), made.raw().body());
      }
      Reply target =
          open.call(
              "PATCH",
              queue + "/q",
              "{\"httpTarget\":{\"oidcToken\":{\"serviceAccountEmail\":\"a@b\",\"audience\":\"x\"}}}");
      assertEquals(403, target.status());
      open.redis.close();
      Reply away = open.call("GET", queue, null);
      assertEquals(503, away.status());
      assertTrue(away.error().startsWith("UNAVAILABLE"), away.error());
    }
  }

  @Test
  void unknownMethodsAreUnimplemented() {
    MethodDescriptor<Empty, Empty> none =
        MethodDescriptor.<Empty, Empty>newBuilder()
            .setType(MethodDescriptor.MethodType.UNARY)
            .setFullMethodName("google.cloud.tasks.v2.CloudTasks/BufferTask")
            .setRequestMarshaller(ProtoUtils.marshaller(Empty.getDefaultInstance()))
            .setResponseMarshaller(ProtoUtils.marshaller(Empty.getDefaultInstance()))
            .build();
    refused(
        Status.Code.UNIMPLEMENTED,
        "BufferTask",
        () ->
            ClientCalls.blockingUnaryCall(
                channel, none, CallOptions.DEFAULT, Empty.getDefaultInstance()));
  }

  @Test
  void manyTasksAreCreatedByGrpcToo() {
    MethodDescriptor<BatchCreateTasksRequest, BatchCreateTasksResponse> batch =
        MethodDescriptor.<BatchCreateTasksRequest, BatchCreateTasksResponse>newBuilder()
            .setType(MethodDescriptor.MethodType.UNARY)
            .setFullMethodName("taskrunner.cloudtasks.v1.BulkTasks/BatchCreateTasks")
            .setRequestMarshaller(
                ProtoUtils.marshaller(BatchCreateTasksRequest.getDefaultInstance()))
            .setResponseMarshaller(
                ProtoUtils.marshaller(BatchCreateTasksResponse.getDefaultInstance()))
            .build();
    String queue = "projects/p/locations/l/queues/batch";
    BatchCreateTasksResponse made =
        ClientCalls.blockingUnaryCall(
            as(ADMIN).withCompression("gzip").getChannel(),
            batch,
            CallOptions.DEFAULT.withCompression("gzip"),
            BatchCreateTasksRequest.newBuilder()
                .setParent(queue)
                .addRequests(later(queue))
                .addRequests(CreateTaskRequest.getDefaultInstance())
                .build());
    assertTrue(made.getResults(0).hasTask());
    assertEquals(3, made.getResults(1).getError().getCode());
  }
}
