package io.taskrunner.cloudtasks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.api.gax.core.NoCredentialsProvider;
import com.google.api.gax.grpc.InstantiatingGrpcChannelProvider;
import com.google.api.gax.rpc.ApiException;
import com.google.api.gax.rpc.StatusCode;
import com.google.cloud.location.GetLocationRequest;
import com.google.cloud.location.ListLocationsRequest;
import com.google.cloud.location.Location;
import com.google.cloud.tasks.v2.AppEngineHttpRequest;
import com.google.cloud.tasks.v2.AppEngineRouting;
import com.google.cloud.tasks.v2.Attempt;
import com.google.cloud.tasks.v2.CloudTasksClient;
import com.google.cloud.tasks.v2.CloudTasksSettings;
import com.google.cloud.tasks.v2.CreateTaskRequest;
import com.google.cloud.tasks.v2.GetTaskRequest;
import com.google.cloud.tasks.v2.HttpMethod;
import com.google.cloud.tasks.v2.HttpRequest;
import com.google.cloud.tasks.v2.ListQueuesRequest;
import com.google.cloud.tasks.v2.ListTasksRequest;
import com.google.cloud.tasks.v2.LocationName;
import com.google.cloud.tasks.v2.OidcToken;
import com.google.cloud.tasks.v2.Queue;
import com.google.cloud.tasks.v2.QueueName;
import com.google.cloud.tasks.v2.RateLimits;
import com.google.cloud.tasks.v2.RetryConfig;
import com.google.cloud.tasks.v2.StackdriverLoggingConfig;
import com.google.cloud.tasks.v2.Task;
import com.google.cloud.tasks.v2.TaskName;
import com.google.iam.v1.Binding;
import com.google.iam.v1.GetIamPolicyRequest;
import com.google.iam.v1.Policy;
import com.google.iam.v1.SetIamPolicyRequest;
import com.google.iam.v1.TestIamPermissionsRequest;
import com.google.protobuf.ByteString;
import com.google.protobuf.Duration;
import com.google.protobuf.FieldMask;
import com.google.protobuf.Timestamp;
import com.google.protobuf.util.FieldMaskUtil;
import com.google.protobuf.util.Timestamps;
import io.grpc.ManagedChannelBuilder;
import io.taskrunner.testkit.ScriptedTarget;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Google's Java client, with both of its transports, against the entire program. */
@Timeout(120)
class GoogleClientTest {

  /** The transport of the client. */
  enum Transport {
    GRPC,
    REST
  }

  private static final LocationName PARENT = LocationName.of("shop", "europe-west1");
  private static final String NO_QUEUE =
      "Queue does not exist. If you just created the queue, wait at least a minute for the queue to"
          + " initialize.";

  private static CloudProgram program;
  private static final Map<Transport, CloudTasksClient> CLIENTS = new EnumMap<>(Transport.class);

  @BeforeAll
  static void start() throws Exception {
    program = CloudProgram.start();
    CLIENTS.put(Transport.GRPC, CloudTasksClient.create(grpc(program.address())));
    CLIENTS.put(
        Transport.REST,
        CloudTasksClient.create(
            CloudTasksSettings.newHttpJsonBuilder()
                .setEndpoint(program.program.url())
                .setCredentialsProvider(NoCredentialsProvider.create())
                .build()));
  }

  static CloudTasksSettings grpc(String address) throws Exception {
    return CloudTasksSettings.newBuilder()
        .setCredentialsProvider(NoCredentialsProvider.create())
        .setTransportChannelProvider(
            InstantiatingGrpcChannelProvider.newBuilder()
                .setEndpoint(address)
                .setChannelConfigurator(ManagedChannelBuilder::usePlaintext)
                .build())
        .build();
  }

  @AfterAll
  static void stop() {
    CLIENTS.values().forEach(CloudTasksClient::close);
    program.close();
  }

  private static QueueName name() {
    return QueueName.of("shop", "europe-west1", CloudProgram.fresh("q"));
  }

  private static Queue made(CloudTasksClient client) {
    return client.createQueue(PARENT, Queue.newBuilder().setName(name().toString()).build());
  }

  private static Task.Builder task(String url) {
    return Task.newBuilder().setHttpRequest(HttpRequest.newBuilder().setUrl(url));
  }

  /** A task that is not due while a test runs. */
  private static Task.Builder later() {
    return task("http://127.0.0.1:1/later")
        .setScheduleTime(Timestamps.fromSeconds(Instant.now().getEpochSecond() + 3600));
  }

  /**
   * With REST the client reports only HTTP's status; Google's code and sentence are in the body.
   */
  private static void refused(StatusCode.Code code, String message, Executable call) {
    ApiException refused = assertThrows(ApiException.class, call);
    String told = refused.getCause().getMessage().replace("\\\"", "\"");
    assertTrue(told.contains(message), told);
    assertTrue(
        refused.getStatusCode().getCode() == code || told.contains("\"status\":\"" + code + "\""),
        told);
  }

  @ParameterizedTest
  @EnumSource
  void aQueueHasGooglesDefaultsAndItsOwnSettings(Transport transport) {
    CloudTasksClient client = CLIENTS.get(transport);
    Queue plain = made(client);
    assertEquals(500, plain.getRateLimits().getMaxDispatchesPerSecond());
    assertEquals(100, plain.getRateLimits().getMaxBurstSize());
    assertEquals(1000, plain.getRateLimits().getMaxConcurrentDispatches());
    assertEquals(
        RetryConfig.newBuilder()
            .setMaxAttempts(100)
            .setMinBackoff(Duration.newBuilder().setNanos(100_000_000))
            .setMaxBackoff(Duration.newBuilder().setSeconds(3600))
            .setMaxDoublings(16)
            .build(),
        plain.getRetryConfig());
    assertEquals(Queue.State.RUNNING, plain.getState());
    assertFalse(plain.hasPurgeTime());
    assertEquals(plain, client.getQueue(plain.getName()));

    Queue given =
        Queue.newBuilder()
            .setName(name().toString())
            .setRateLimits(RateLimits.newBuilder().setMaxDispatchesPerSecond(1).setMaxBurstSize(-1))
            .setRetryConfig(
                RetryConfig.newBuilder()
                    .setMaxAttempts(-1)
                    .setMaxRetryDuration(
                        Duration.newBuilder().setSeconds(60).setNanos(900_000_000)))
            .setState(Queue.State.PAUSED)
            .setStackdriverLoggingConfig(
                StackdriverLoggingConfig.newBuilder().setSamplingRatio(0.5))
            .setAppEngineRoutingOverride(AppEngineRouting.newBuilder().setService("worker"))
            .build();
    Queue answered = client.createQueue(PARENT, given);
    assertEquals(1, answered.getRateLimits().getMaxDispatchesPerSecond());
    assertEquals(10, answered.getRateLimits().getMaxBurstSize());
    assertEquals(1000, answered.getRateLimits().getMaxConcurrentDispatches());
    assertEquals(-1, answered.getRetryConfig().getMaxAttempts());
    assertEquals(
        Duration.newBuilder().setSeconds(60).build(),
        answered.getRetryConfig().getMaxRetryDuration());
    assertEquals(Queue.State.RUNNING, answered.getState());
    assertEquals(0.5, answered.getStackdriverLoggingConfig().getSamplingRatio());
    assertEquals("worker", answered.getAppEngineRoutingOverride().getService());
  }

  @ParameterizedTest
  @EnumSource
  void anInvalidQueueIsRejectedInGooglesWords(Transport transport) {
    CloudTasksClient client = CLIENTS.get(transport);
    Map<String, Queue.Builder> wrong =
        new HashMap<>(
            Map.of(
                "RateLimits.maxDispatchesPerSecond cannot be negative.",
                limits(RateLimits.newBuilder().setMaxDispatchesPerSecond(-1)),
                "RateLimits.maxDispatchesPerSecond must be less than or equal to 500.",
                limits(RateLimits.newBuilder().setMaxDispatchesPerSecond(501)),
                "RateLimits.maxConcurrentDispatches cannot be negative.",
                limits(RateLimits.newBuilder().setMaxConcurrentDispatches(-1)),
                "RateLimits.maxConcurrentDispatches must be less than or equal to 5000.",
                limits(RateLimits.newBuilder().setMaxConcurrentDispatches(5001)),
                "RetryConfig.maxAttempts must be greater or equal to -1.",
                retries(RetryConfig.newBuilder().setMaxAttempts(-2)),
                "RetryConfig.maxDoublings cannot be negative.",
                retries(RetryConfig.newBuilder().setMaxDoublings(-1)),
                "RetryConfig.minBackoff cannot be negative.",
                retries(
                    RetryConfig.newBuilder().setMinBackoff(Duration.newBuilder().setSeconds(-1))),
                "RetryConfig.minBackoff must be less than or equal to RetryConfig.maxBackoff.",
                retries(
                    RetryConfig.newBuilder()
                        .setMaxBackoff(Duration.newBuilder().setNanos(1_000_000))),
                "Queue name must be formatted:",
                Queue.newBuilder().setName(PARENT + "/queues/under_score"),
                "StackdriverLoggingConfig.samplingRatio must be between 0.0 and 1.0.",
                Queue.newBuilder()
                    .setStackdriverLoggingConfig(
                        StackdriverLoggingConfig.newBuilder().setSamplingRatio(1.5))));
    wrong.put(
        "RetryConfig.maxRetryDuration cannot be negative.",
        retries(
            RetryConfig.newBuilder().setMaxRetryDuration(Duration.newBuilder().setSeconds(-1))));
    wrong.forEach((message, queue) -> {
      if (queue.getName().isEmpty()) {
        queue.setName(name().toString());
      }
      refused(
          StatusCode.Code.INVALID_ARGUMENT,
          message,
          () -> client.createQueue(PARENT, queue.build()));
    });
    refused(
        StatusCode.Code.INVALID_ARGUMENT,
        "The parent (",
        () ->
            client.createQueue(
                LocationName.of("shop", "elsewhere"),
                Queue.newBuilder().setName(name().toString()).build()));
  }

  private static Queue.Builder limits(RateLimits.Builder limits) {
    return Queue.newBuilder().setRateLimits(limits);
  }

  private static Queue.Builder retries(RetryConfig.Builder retries) {
    return Queue.newBuilder().setRetryConfig(retries);
  }

  @ParameterizedTest
  @EnumSource
  void anUpdateChangesTheFieldsInItsMaskAndCreatesAMissingQueue(Transport transport) {
    CloudTasksClient client = CLIENTS.get(transport);
    String name = name().toString();
    Queue.Builder wanted =
        Queue.newBuilder()
            .setName(name)
            .setRateLimits(
                RateLimits.newBuilder().setMaxDispatchesPerSecond(2).setMaxConcurrentDispatches(3))
            .setRetryConfig(RetryConfig.newBuilder().setMaxAttempts(7).setMaxDoublings(2));
    Queue upserted = client.updateQueue(wanted.build(), FieldMask.getDefaultInstance());
    assertEquals(2, upserted.getRateLimits().getMaxDispatchesPerSecond());
    assertEquals(7, upserted.getRetryConfig().getMaxAttempts());
    assertEquals(3600, upserted.getRetryConfig().getMaxBackoff().getSeconds());

    wanted.getRateLimitsBuilder().setMaxDispatchesPerSecond(300).setMaxConcurrentDispatches(9);
    Queue leaf =
        client.updateQueue(
            wanted.build(),
            FieldMaskUtil.fromString("rate_limits.max_dispatches_per_second,state"));
    assertEquals(300, leaf.getRateLimits().getMaxDispatchesPerSecond());
    assertEquals(60, leaf.getRateLimits().getMaxBurstSize());
    assertEquals(3, leaf.getRateLimits().getMaxConcurrentDispatches());
    assertEquals(7, leaf.getRetryConfig().getMaxAttempts());

    Queue whole =
        client.updateQueue(
            Queue.newBuilder().setName(name).build(), FieldMaskUtil.fromString("retry_config"));
    assertEquals(100, whole.getRetryConfig().getMaxAttempts());
    assertEquals(300, whole.getRateLimits().getMaxDispatchesPerSecond());

    Queue all =
        client.updateQueue(
            Queue.newBuilder().setName(name).build(), FieldMask.getDefaultInstance());
    assertEquals(500, all.getRateLimits().getMaxDispatchesPerSecond());

    refused(
        StatusCode.Code.INVALID_ARGUMENT,
        "no field \"colour\"",
        () ->
            client.updateQueue(wanted.build(), FieldMask.newBuilder().addPaths("colour").build()));
    refused(
        StatusCode.Code.INVALID_ARGUMENT,
        "less than or equal to 500",
        () ->
            client.updateQueue(
                limits(RateLimits.newBuilder().setMaxDispatchesPerSecond(501))
                    .setName(name)
                    .build(),
                FieldMaskUtil.fromString("rate_limits")));
    assertEquals(all, client.getQueue(name));
  }

  @ParameterizedTest
  @EnumSource
  void queuesAreListedInOrderByPageAndState(Transport transport) {
    CloudTasksClient client = CLIENTS.get(transport);
    LocationName parent = LocationName.of(CloudProgram.fresh("listed"), "l");
    List<String> names = new ArrayList<>();
    for (String id : List.of("b", "a", "c", "d", "e")) {
      String name = parent + "/queues/" + id;
      client.createQueue(parent, Queue.newBuilder().setName(name).build());
      names.add(name);
    }
    names.sort(null);
    client.pauseQueue(names.get(1));
    ListQueuesRequest byTwo =
        ListQueuesRequest.newBuilder().setParent(parent.toString()).setPageSize(2).build();
    List<String> listed = new ArrayList<>();
    client.listQueues(byTwo).iterateAll().forEach(queue -> listed.add(queue.getName()));
    assertEquals(names, listed);

    String next = client.listQueues(byTwo).getNextPageToken();
    assertFalse(next.isEmpty());
    refused(
        StatusCode.Code.INVALID_ARGUMENT,
        "page token",
        () ->
            client.listQueues(
                byTwo.toBuilder().setFilter("state=PAUSED").setPageToken(next).build()));
    refused(
        StatusCode.Code.INVALID_ARGUMENT,
        "page token",
        () -> client.listQueues(byTwo.toBuilder().setPageToken("nonsense").build()));
    refused(
        StatusCode.Code.INVALID_ARGUMENT,
        "page size",
        () -> client.listQueues(byTwo.toBuilder().setPageSize(-1).build()));
    refused(
        StatusCode.Code.INVALID_ARGUMENT,
        "filter",
        () -> client.listQueues(byTwo.toBuilder().setFilter("name: b").build()));

    for (String filter : List.of("state: PAUSED", "state = \"PAUSED\"", "state!=RUNNING")) {
      List<String> paused = new ArrayList<>();
      client
          .listQueues(byTwo.toBuilder().setFilter(filter).build())
          .iterateAll()
          .forEach(queue -> paused.add(queue.getName()));
      assertEquals(List.of(names.get(1)), paused, filter);
    }
    assertFalse(
        client
            .listQueues(LocationName.of(parent.getProject(), "m"))
            .iterateAll()
            .iterator()
            .hasNext());
  }

  @ParameterizedTest
  @EnumSource
  void aQueueIsPausedResumedPurgedAndDeleted(Transport transport) {
    CloudTasksClient client = CLIENTS.get(transport);
    String queue = made(client).getName();
    for (int i = 0; i < 2; i++) {
      assertEquals(Queue.State.PAUSED, client.pauseQueue(queue).getState());
    }
    Task task = client.createTask(queue, later().setName(queue + "/tasks/purged").build());
    assertTrue(client.purgeQueue(queue).hasPurgeTime());
    assertEquals(Queue.State.PAUSED, client.getQueue(queue).getState());
    refused(
        StatusCode.Code.NOT_FOUND,
        "The task no longer exists",
        () -> client.getTask(task.getName()));
    refused(
        StatusCode.Code.ALREADY_EXISTS,
        "Requested entity already exists",
        () -> client.createTask(queue, later().setName(task.getName()).build()));
    for (int i = 0; i < 2; i++) {
      assertEquals(Queue.State.RUNNING, client.resumeQueue(queue).getState());
    }
    refused(
        StatusCode.Code.ALREADY_EXISTS,
        "Queue already exists",
        () -> client.createQueue(PARENT, Queue.newBuilder().setName(queue).build()));

    client.deleteQueue(queue);
    refused(StatusCode.Code.NOT_FOUND, NO_QUEUE, () -> client.getQueue(queue));
    refused(StatusCode.Code.NOT_FOUND, NO_QUEUE, () -> client.pauseQueue(queue));
    refused(StatusCode.Code.NOT_FOUND, NO_QUEUE, () -> client.resumeQueue(queue));
    refused(StatusCode.Code.NOT_FOUND, NO_QUEUE, () -> client.purgeQueue(queue));
    refused(StatusCode.Code.NOT_FOUND, NO_QUEUE, () -> client.createTask(queue, later().build()));
    refused(StatusCode.Code.NOT_FOUND, NO_QUEUE, () -> client.listTasks(queue));
    refused(
        StatusCode.Code.NOT_FOUND,
        "Requested entity was not found.",
        () -> client.deleteQueue(queue));
    String recent = "a queue with this name existed too recently";
    refused(
        StatusCode.Code.FAILED_PRECONDITION,
        recent,
        () -> client.createQueue(PARENT, Queue.newBuilder().setName(queue).build()));
    refused(
        StatusCode.Code.FAILED_PRECONDITION,
        recent,
        () ->
            client.updateQueue(
                Queue.newBuilder().setName(queue).build(), FieldMask.getDefaultInstance()));
  }

  @ParameterizedTest
  @EnumSource
  void policiesAreStoredAndReturned(Transport transport) {
    CloudTasksClient client = CLIENTS.get(transport);
    String queue = made(client).getName();
    Policy none = client.getIamPolicy(GetIamPolicyRequest.newBuilder().setResource(queue).build());
    assertEquals(0, none.getBindingsCount());
    Policy given =
        Policy.newBuilder()
            .setVersion(1)
            .addBindings(
                Binding.newBuilder().setRole("roles/cloudtasks.viewer").addMembers("user:a@b.c"))
            .build();
    Policy set =
        client.setIamPolicy(
            SetIamPolicyRequest.newBuilder().setResource(queue).setPolicy(given).build());
    assertEquals(given.getBindingsList(), set.getBindingsList());
    client.updateQueue(
        limits(RateLimits.newBuilder().setMaxDispatchesPerSecond(5)).setName(queue).build(),
        FieldMaskUtil.fromString("rate_limits"));
    assertEquals(
        set, client.getIamPolicy(GetIamPolicyRequest.newBuilder().setResource(queue).build()));
    refused(
        StatusCode.Code.ABORTED,
        "etag",
        () ->
            client.setIamPolicy(
                SetIamPolicyRequest.newBuilder()
                    .setResource(queue)
                    .setPolicy(given.toBuilder().setEtag(ByteString.copyFromUtf8("old")))
                    .build()));
    TestIamPermissionsRequest.Builder asked =
        TestIamPermissionsRequest.newBuilder().addPermissions("cloudtasks.tasks.create");
    assertEquals(
        1, client.testIamPermissions(asked.setResource(queue).build()).getPermissionsCount());
    String missing = name().toString();
    assertEquals(
        0, client.testIamPermissions(asked.setResource(missing).build()).getPermissionsCount());
    refused(
        StatusCode.Code.NOT_FOUND,
        "Requested entity was not found.",
        () -> client.getIamPolicy(GetIamPolicyRequest.newBuilder().setResource(missing).build()));
  }

  @ParameterizedTest
  @EnumSource
  void locationsAreListed(Transport transport) {
    CloudTasksClient client = CLIENTS.get(transport);
    Location location =
        client.getLocation(
            GetLocationRequest.newBuilder().setName("projects/shop/locations/moon-1").build());
    assertEquals("moon-1", location.getLocationId());
    assertTrue(
        client
            .listLocations(ListLocationsRequest.newBuilder().setName("projects/shop").build())
            .iterateAll()
            .iterator()
            .hasNext());
  }

  @ParameterizedTest
  @EnumSource
  void aTaskIsReturnedAsGoogleReturnsIt(Transport transport) {
    CloudTasksClient client = CLIENTS.get(transport);
    String queue = made(client).getName();
    String name = queue + "/tasks/with_under-score";
    Task.Builder given = later().setName(name).setDispatchCount(9).setView(Task.View.FULL);
    given
        .getHttpRequestBuilder()
        .putHeaders("X-Mixed-Case", "preserve-me")
        .putHeaders("user-agent", "mine")
        .setBody(ByteString.copyFromUtf8("hello"))
        .setOidcToken(OidcToken.newBuilder().setServiceAccountEmail("me@shop.example"));
    Task basic = client.createTask(queue, given.build());
    assertEquals(name, basic.getName());
    assertEquals(HttpMethod.POST, basic.getHttpRequest().getHttpMethod());
    assertEquals(
        Map.of("X-Mixed-Case", "preserve-me", "User-Agent", "Google-Cloud-Tasks"),
        basic.getHttpRequest().getHeadersMap());
    assertTrue(basic.getHttpRequest().getBody().isEmpty());
    assertEquals("me@shop.example", basic.getHttpRequest().getOidcToken().getServiceAccountEmail());
    assertEquals(600, basic.getDispatchDeadline().getSeconds());
    assertEquals(given.getScheduleTime(), basic.getScheduleTime());
    assertEquals(0, basic.getCreateTime().getNanos());
    assertEquals(0, basic.getDispatchCount());
    assertFalse(basic.hasFirstAttempt());
    assertFalse(basic.hasLastAttempt());
    assertEquals(Task.View.BASIC, basic.getView());
    assertEquals(basic, client.getTask(name));

    Task full =
        client.getTask(
            GetTaskRequest.newBuilder().setName(name).setResponseView(Task.View.FULL).build());
    assertEquals("hello", full.getHttpRequest().getBody().toStringUtf8());
    assertEquals(Task.View.FULL, full.getView());

    client.deleteTask(name);
    String over = "The task no longer exists, though a task with this name existed recently.";
    refused(StatusCode.Code.NOT_FOUND, over, () -> client.getTask(name));
    refused(StatusCode.Code.NOT_FOUND, over, () -> client.deleteTask(name));
    refused(StatusCode.Code.NOT_FOUND, over, () -> client.runTask(name));
    String never = "Requested entity was not found.";
    refused(StatusCode.Code.NOT_FOUND, never, () -> client.getTask(queue + "/tasks/never"));
    refused(StatusCode.Code.NOT_FOUND, never, () -> client.deleteTask(queue + "/tasks/never"));
    refused(StatusCode.Code.NOT_FOUND, never, () -> client.runTask(queue + "/tasks/never"));
    refused(
        StatusCode.Code.ALREADY_EXISTS,
        "Requested entity already exists",
        () -> client.createTask(queue, given.build()));
  }

  @ParameterizedTest
  @EnumSource
  void anInvalidTaskIsRejectedInGooglesWords(Transport transport) {
    CloudTasksClient client = CLIENTS.get(transport);
    String queue = made(client).getName();
    long now = Instant.now().getEpochSecond();
    Map<String, Task.Builder> wrong =
        Map.ofEntries(
            Map.entry("Task.httpRequest is required.", Task.newBuilder()),
            Map.entry("HttpRequest.url is required.", task("")),
            Map.entry("HttpTarget.url must start with 'http://' or 'https://'.", task("ftp://h/")),
            Map.entry("HttpRequest.url is longer", task("http://h/" + "a".repeat(2083))),
            Map.entry("HttpRequest.url has no host", task("http:///path")),
            Map.entry(
                "HttpRequest.body is only allowed",
                withBody(HttpMethod.DELETE, ByteString.copyFromUtf8("x"))),
            Map.entry(
                "HttpRequest.headers must be less than 80 KB.",
                header("a", "x".repeat(50_000), "b", "x".repeat(40_000))),
            Map.entry("\"a b\" is not a valid header name", header("a b", "x", "c", "x")),
            Map.entry(
                "is given twice (header names are not case-sensitive)",
                header("Content-Type", "text/plain", "content-type", "text/html")),
            Map.entry("has a CR, LF or NUL", header("a", "x\r\ny: z", "c", "x")),
            Map.entry(
                "Task.dispatchDeadline must be between [15s, 30m].",
                task("http://h/").setDispatchDeadline(Duration.newBuilder().setSeconds(14))),
            Map.entry(
                "Schedule time must be no more than 720h in the future.",
                task("http://h/")
                    .setScheduleTime(Timestamp.newBuilder().setSeconds(now + 31 * 86_400))),
            Map.entry(
                "Task size too large",
                withBody(HttpMethod.POST, ByteString.copyFrom(new byte[1_100_000]))),
            Map.entry(
                "Task ID \"not.valid\" can contain only letters",
                task("http://h/").setName(queue + "/tasks/not.valid")),
            Map.entry(
                "must be the same as the queue name in the named task",
                task("http://h/").setName(queue + "-other/tasks/t")),
            Map.entry(
                "there is no App Engine",
                Task.newBuilder()
                    .setAppEngineHttpRequest(
                        AppEngineHttpRequest.newBuilder().setRelativeUri("/x"))));
    wrong.forEach((message, task) ->
        refused(
            StatusCode.Code.INVALID_ARGUMENT,
            message,
            () -> client.createTask(queue, task.build())));

    client.createTask(
        queue,
        withBody(HttpMethod.POST, ByteString.copyFrom(new byte[900_000]))
            .setScheduleTime(later().getScheduleTime())
            .build());
    client.createTask(
        queue, later().setHttpRequest(HttpRequest.newBuilder().setUrl("http://h/%zz")).build());
  }

  private static Task.Builder withBody(HttpMethod method, ByteString body) {
    Task.Builder task = task("http://127.0.0.1:1/");
    task.getHttpRequestBuilder().setHttpMethod(method).setBody(body);
    return task;
  }

  private static Task.Builder header(String one, String value, String other, String otherValue) {
    Task.Builder task = task("http://h/");
    task.getHttpRequestBuilder().putHeaders(one, value).putHeaders(other, otherValue);
    return task;
  }

  @ParameterizedTest
  @EnumSource
  void tasksAreListedByPages(Transport transport) {
    CloudTasksClient client = CLIENTS.get(transport);
    String queue = made(client).getName();
    Set<String> made = new HashSet<>();
    for (int i = 0; i < 5; i++) {
      Task.Builder big = later();
      big.getHttpRequestBuilder().setBody(ByteString.copyFrom(new byte[1_000_000]));
      made.add(client.createTask(queue, big.build()).getName());
    }
    assertEquals(5, made.size());
    for (Task.View view : List.of(Task.View.BASIC, Task.View.FULL)) {
      ListTasksRequest byTwo =
          ListTasksRequest.newBuilder()
              .setParent(queue)
              .setPageSize(2)
              .setResponseView(view)
              .build();
      Set<String> listed = new HashSet<>();
      client
          .listTasks(byTwo)
          .iterateAll()
          .forEach(task -> {
            assertTrue(listed.add(task.getName()));
            assertEquals(view == Task.View.FULL, task.getHttpRequest().getBody().size() > 0);
          });
      assertEquals(made, listed);
    }
    // More than a client takes at once: the page ends before.
    ListTasksRequest all =
        ListTasksRequest.newBuilder().setParent(queue).setResponseView(Task.View.FULL).build();
    assertFalse(client.listTasks(all).getNextPageToken().isEmpty());
    refused(
        StatusCode.Code.INVALID_ARGUMENT,
        "page token",
        () -> client.listTasks(all.toBuilder().setPageToken("AAAA").build()));
    refused(
        StatusCode.Code.INVALID_ARGUMENT,
        "page size",
        () -> client.listTasks(all.toBuilder().setPageSize(-1).build()));
  }

  @ParameterizedTest
  @EnumSource
  void aTaskOfAMissingQueueIsNotFound(Transport transport) {
    CloudTasksClient client = CLIENTS.get(transport);
    String never = "Requested entity was not found.";
    String missing = name() + "/tasks/t";
    refused(StatusCode.Code.NOT_FOUND, never, () -> client.getTask(missing));
    refused(StatusCode.Code.NOT_FOUND, never, () -> client.deleteTask(missing));
    refused(StatusCode.Code.NOT_FOUND, never, () -> client.runTask(missing));
    refused(
        StatusCode.Code.NOT_FOUND,
        never,
        () ->
            client.setIamPolicy(
                SetIamPolicyRequest.newBuilder()
                    .setResource(name().toString())
                    .setPolicy(Policy.getDefaultInstance())
                    .build()));
  }

  @ParameterizedTest
  @EnumSource
  void aPastTimeIsNowAndAnUnnamedTaskGetsAnId(Transport transport) {
    CloudTasksClient client = CLIENTS.get(transport);
    String queue = made(client).getName();
    client.pauseQueue(queue);
    long before = System.currentTimeMillis();
    Task first =
        client.createTask(
            queue, task("http://h/").setScheduleTime(Timestamps.fromSeconds(1000)).build());
    Task second = client.createTask(queue, task("http://h/").build());
    for (Task task : List.of(first, second)) {
      long due = Timestamps.toMillis(task.getScheduleTime());
      assertTrue(due >= before - 1 && due <= System.currentTimeMillis() + 1, task.toString());
      assertTrue(TaskName.parse(task.getName()).getTask().matches("[0-9]{20,}"), task.getName());
    }
    assertFalse(first.getName().equals(second.getName()));
  }

  @ParameterizedTest
  @EnumSource
  void aTaskIsSentRetriedAndForgotten(Transport transport) throws Exception {
    CloudTasksClient client = CLIENTS.get(transport);
    try (ScriptedTarget target = ScriptedTarget.start()) {
      target.answers("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
      String queue =
          client
              .createQueue(
                  PARENT,
                  retries(
                          RetryConfig.newBuilder()
                              .setMinBackoff(Duration.newBuilder().setSeconds(1)))
                      .setName(name().toString())
                      .build())
              .getName();
      String name = queue + "/tasks/sent";
      Task.Builder task = task(target.url("/hook?a=1")).setName(name);
      task.getHttpRequestBuilder()
          .setBody(ByteString.copyFromUtf8("hello"))
          .putHeaders("X-Mine", "yes")
          .putHeaders("X-CloudTasks-QueueName", "spoofed");
      client.createTask(queue, task.build());

      ScriptedTarget.Received first = target.next();
      assertEquals("POST /hook?a=1 HTTP/1.1", first.firstLine());
      assertEquals("hello", first.text());
      assertEquals("yes", first.header("X-Mine"));
      assertEquals("Google-Cloud-Tasks", first.header("User-Agent"));
      assertEquals(TaskName.parse(name).getQueue(), first.header("X-CloudTasks-QueueName"));
      assertEquals("sent", first.header("X-CloudTasks-TaskName"));
      assertEquals("0", first.header("X-CloudTasks-TaskRetryCount"));

      Attempt last = awaitAnswer(client, name);
      assertEquals(14, last.getResponseStatus().getCode());
      assertEquals("UNAVAILABLE(14): HTTP status code 503", last.getResponseStatus().getMessage());
      assertTrue(last.hasDispatchTime() && last.hasResponseTime() && last.hasScheduleTime());

      ScriptedTarget.Received second = target.next();
      assertEquals("1", second.header("X-CloudTasks-TaskRetryCount"));
      assertEquals("503", second.header("X-CloudTasks-TaskPreviousResponse"));
      awaitOver(client, name);
    }
  }

  /** The last attempt of a task, once it is over. */
  private static Attempt awaitAnswer(CloudTasksClient client, String name) throws Exception {
    while (true) {
      Task task = client.getTask(name);
      if (task.getLastAttempt().hasResponseTime()) {
        assertEquals(1, task.getDispatchCount());
        assertEquals(1, task.getResponseCount());
        assertTrue(task.getFirstAttempt().hasDispatchTime());
        return task.getLastAttempt();
      }
      Thread.onSpinWait();
    }
  }

  private static void awaitOver(CloudTasksClient client, String name) {
    while (true) {
      try {
        client.getTask(name);
      } catch (ApiException gone) {
        assertEquals(StatusCode.Code.NOT_FOUND, gone.getStatusCode().getCode());
        return;
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void runTaskSendsATaskOfAPausedQueueBeforeItsTime(Transport transport) throws Exception {
    CloudTasksClient client = CLIENTS.get(transport);
    try (ScriptedTarget target = ScriptedTarget.start()) {
      String queue = made(client).getName();
      client.pauseQueue(queue);
      Task.Builder task = later();
      task.getHttpRequestBuilder().setUrl(target.url("/now"));
      String name =
          client
              .createTask(
                  CreateTaskRequest.newBuilder()
                      .setParent(queue)
                      .setTask(task)
                      .setResponseView(Task.View.FULL)
                      .build())
              .getName();
      Task running = client.runTask(name);
      assertEquals(1, running.getDispatchCount());
      assertTrue(running.getLastAttempt().hasDispatchTime());
      assertFalse(running.getLastAttempt().hasResponseTime());
      assertEquals("POST /now HTTP/1.1", target.next().firstLine());
      awaitOver(client, name);
      assertEquals(0, target.unseen());
    }
  }
}
