import com.google.api.gax.core.NoCredentialsProvider;
import com.google.api.gax.grpc.InstantiatingGrpcChannelProvider;
import com.google.api.gax.rpc.AlreadyExistsException;
import com.google.cloud.tasks.v2.CloudTasksClient;
import com.google.cloud.tasks.v2.CloudTasksSettings;
import com.google.cloud.tasks.v2.HttpMethod;
import com.google.cloud.tasks.v2.HttpRequest;
import com.google.cloud.tasks.v2.LocationName;
import com.google.cloud.tasks.v2.Queue;
import com.google.cloud.tasks.v2.QueueName;
import com.google.cloud.tasks.v2.Task;
import com.google.protobuf.ByteString;
import io.grpc.ManagedChannelBuilder;

/**
 * Google's Cloud Tasks client against Task Runner: mvn -q compile exec:java -Dexec.args="hello"
 *
 * <p>TASK_RUNNER_ADDRESS (host:port) and TARGET come from the environment. Prints the name of the task.
 */
public class Enqueue {
  public static void main(String[] args) throws Exception {
    String address = System.getenv().getOrDefault("TASK_RUNNER_ADDRESS", "localhost:8080");
    // Without these two it speaks TLS and looks for credentials, as with Google.
    CloudTasksSettings settings =
        CloudTasksSettings.newBuilder()
            .setCredentialsProvider(NoCredentialsProvider.create())
            .setTransportChannelProvider(
                InstantiatingGrpcChannelProvider.newBuilder()
                    .setEndpoint(address)
                    .setChannelConfigurator(ManagedChannelBuilder::usePlaintext)
                    .build())
            .build();
    QueueName queue = QueueName.of("shop", "europe-west1", "orders");
    try (CloudTasksClient client = CloudTasksClient.create(settings)) {
      try {
        client.createQueue(LocationName.of("shop", "europe-west1"), Queue.newBuilder().setName(queue.toString()).build());
      } catch (AlreadyExistsException fromAnEarlierRun) {
        // It stays as it is.
      }
      HttpRequest request =
          HttpRequest.newBuilder()
              .setUrl(System.getenv("TARGET"))
              .setHttpMethod(HttpMethod.POST)
              .setBody(ByteString.copyFromUtf8(args.length > 0 ? args[0] : "{}"))
              .build();
      System.out.println(client.createTask(queue, Task.newBuilder().setHttpRequest(request).build()).getName());
    }
  }
}
