package io.taskrunner.cloudtasks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.cloud.tasks.v2.ListQueuesRequest;
import com.google.protobuf.Message;
import com.linecorp.armeria.client.WebClient;
import com.linecorp.armeria.common.AggregatedHttpResponse;
import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.RequestHeaders;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ClientCalls;
import io.taskrunner.cloudtasks.health.HealthCheckRequest;
import io.taskrunner.cloudtasks.health.HealthCheckResponse;
import io.taskrunner.cloudtasks.health.HealthCheckResponse.ServingStatus;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Features of gRPC in addition to methods: deadlines, and a health service for probes. */
class GrpcRulesTest {

  private static final String LIST = "/google.cloud.tasks.v2.CloudTasks/ListQueues";

  private static CloudProgram program;
  private static ManagedChannel channel;

  @BeforeAll
  static void start() throws Exception {
    program =
        CloudProgram.start("CLOUD_TASKS_AUTH", "required", "REDIS_COMMAND_TIMEOUT_MS", "20000");
    channel = ManagedChannelBuilder.forTarget(program.address()).usePlaintext().build();
  }

  @AfterAll
  static void stop() throws Exception {
    channel.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
    program.close();
  }

  private static AggregatedHttpResponse call(String path, String timeout, Message message) {
    byte[] body = message.toByteArray();
    byte[] frame = ByteBuffer.allocate(5 + body.length).putInt(1, body.length).put(5, body).array();
    return WebClient.builder("h2c://" + program.address())
        .responseTimeout(Duration.ofSeconds(15))
        .build()
        .execute(
            HttpRequest.of(
                RequestHeaders.builder(HttpMethod.POST, path)
                    .set("content-type", "application/grpc")
                    .set("grpc-timeout", timeout)
                    .set("x-api-key", "tr_" + "A".repeat(43))
                    .build(),
                HttpData.wrap(frame)))
        .aggregate()
        .join();
  }

  private static String status(AggregatedHttpResponse answer) {
    String of = answer.headers().get("grpc-status");
    return of == null ? answer.trailers().get("grpc-status") : of;
  }

  private static ListQueuesRequest list() {
    return ListQueuesRequest.newBuilder().setParent("projects/p/locations/l").build();
  }

  @Test
  void timeoutsAreParsedAsInTheProtocol() {
    assertEquals(Duration.ofHours(1), Grpc.timeout("1H"));
    assertEquals(Duration.ofMinutes(2), Grpc.timeout("2M"));
    assertEquals(Duration.ofSeconds(99_999_999), Grpc.timeout("99999999S"));
    assertEquals(Duration.ofMillis(100), Grpc.timeout("100m"));
    assertEquals(Duration.ofNanos(5000), Grpc.timeout("5u"));
    assertEquals(Duration.ofNanos(7), Grpc.timeout("7n"));
    for (String wrong : new String[] {"", "S", "1", "1s", "-1S", "100000000S", "1.5S", "1 S"}) {
      assertNull(Grpc.timeout(wrong), wrong);
    }
  }

  @Test
  void aCallEndsAtItsDeadlineAlthoughTheStoreDoesNotAnswer() throws Exception {
    program.redis.freeze();
    try {
      AggregatedHttpResponse answer = call(LIST, "300m", list());
      assertEquals("4", status(answer), answer.toString());
    } finally {
      program.redis.thaw();
    }
    assertEquals("4", status(call(LIST, "0m", list())));
    AggregatedHttpResponse wrong = call(LIST, "soon", list());
    assertEquals("3", status(wrong), "a wrong timeout is the caller's fault: " + wrong);
    assertEquals("16", status(call(LIST, "10S", list())), "in time, and told who calls");
  }

  @Test
  void healthIsReportedToEveryProbe() throws Exception {
    MethodDescriptor<HealthCheckRequest, HealthCheckResponse> check =
        MethodDescriptor.<HealthCheckRequest, HealthCheckResponse>newBuilder()
            .setType(MethodDescriptor.MethodType.UNARY)
            .setFullMethodName("grpc.health.v1.Health/Check")
            .setRequestMarshaller(ProtoUtils.marshaller(HealthCheckRequest.getDefaultInstance()))
            .setResponseMarshaller(ProtoUtils.marshaller(HealthCheckResponse.getDefaultInstance()))
            .build();
    for (String service : new String[] {"", "google.cloud.tasks.v2.CloudTasks"}) {
      HealthCheckResponse health =
          ClientCalls.blockingUnaryCall(
              channel,
              check,
              CallOptions.DEFAULT,
              HealthCheckRequest.newBuilder().setService(service).build());
      assertEquals(ServingStatus.SERVING, health.getStatus());
    }
    StatusRuntimeException unknown =
        assertThrows(
            StatusRuntimeException.class,
            () ->
                ClientCalls.blockingUnaryCall(
                    channel,
                    check,
                    CallOptions.DEFAULT,
                    HealthCheckRequest.newBuilder().setService("another").build()));
    assertEquals(Status.Code.NOT_FOUND, unknown.getStatus().getCode());
    assertTrue(
        status(call("/grpc.health.v1.Health/Watch", "5S", HealthCheckRequest.getDefaultInstance()))
            .equals("12"),
        "UNIMPLEMENTED, which a client takes for healthy");
  }
}
