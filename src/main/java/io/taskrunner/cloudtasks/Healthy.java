package io.taskrunner.cloudtasks;

import com.google.rpc.Code;
import io.taskrunner.cloudtasks.health.HealthCheckRequest;
import io.taskrunner.cloudtasks.health.HealthCheckResponse;
import io.taskrunner.cloudtasks.health.HealthCheckResponse.ServingStatus;
import io.taskrunner.http.call.Caller;
import java.util.function.BooleanSupplier;

/**
 * The health service of gRPC ({@code grpc.health.v1}), for probes that use it: the result of {@code
 * /health/ready}. {@code Watch} is not implemented, which a client takes for healthy
 * (docs/decisions/0021).
 */
final class Healthy {

  private final BooleanSupplier ready;

  Healthy(BooleanSupplier ready) {
    this.ready = ready;
  }

  HealthCheckResponse check(HealthCheckRequest request, Caller unused) {
    String service = request.getService();
    if (!service.isEmpty() && !Methods.SERVICES.contains("/" + service + "/")) {
      throw new Failure(Code.NOT_FOUND, "Unknown service " + Failure.shown(service) + ".");
    }
    return HealthCheckResponse.newBuilder()
        .setStatus(ready.getAsBoolean() ? ServingStatus.SERVING : ServingStatus.NOT_SERVING)
        .build();
  }
}
