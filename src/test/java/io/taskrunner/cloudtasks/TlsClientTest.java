package io.taskrunner.cloudtasks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.api.client.http.javanet.NetHttpTransport;
import com.google.api.gax.core.NoCredentialsProvider;
import com.google.api.gax.grpc.GrpcTransportChannel;
import com.google.api.gax.httpjson.InstantiatingHttpJsonChannelProvider;
import com.google.api.gax.rpc.FixedTransportChannelProvider;
import com.google.api.gax.rpc.UnavailableException;
import com.google.cloud.tasks.v2.CloudTasksClient;
import com.google.cloud.tasks.v2.CloudTasksSettings;
import com.google.cloud.tasks.v2.HttpRequest;
import com.google.cloud.tasks.v2.LocationName;
import com.google.cloud.tasks.v2.Queue;
import com.google.cloud.tasks.v2.QueueName;
import com.google.cloud.tasks.v2.Task;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.grpc.TlsChannelCredentials;
import io.taskrunner.testkit.ScriptedTarget;
import io.taskrunner.testkit.TestCertificate;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Google's clients over TLS, with their default settings. */
@Timeout(300)
class TlsClientTest {

  private static final LocationName PARENT = LocationName.of("shop", "europe-west1");

  @TempDir private static Path folder;
  private static Path trusted;
  private static CloudProgram program;

  @BeforeAll
  static void start() throws Exception {
    TestCertificate.Pem pem = TestCertificate.of("dns:localhost,ip:127.0.0.1").pem(folder);
    trusted = pem.certificate();
    program =
        CloudProgram.start(
            "TLS_CERT_FILE", pem.certificate().toString(), "TLS_KEY_FILE", pem.key().toString());
  }

  @AfterAll
  static void stop() {
    program.close();
  }

  /** Creates a queue, and a task that arrives. */
  private static void works(CloudTasksClient client) throws Exception {
    try (ScriptedTarget target = ScriptedTarget.start()) {
      QueueName name = QueueName.of("shop", "europe-west1", CloudProgram.fresh("tls"));
      Queue made = client.createQueue(PARENT, Queue.newBuilder().setName(name.toString()).build());
      assertEquals(made, client.getQueue(name));
      client.createTask(
          name,
          Task.newBuilder()
              .setHttpRequest(HttpRequest.newBuilder().setUrl(target.url("/tls")))
              .build());
      assertEquals("POST /tls HTTP/1.1", target.next().firstLine());
    }
  }

  @Test
  void javaOverGrpc() throws Exception {
    ManagedChannel channel =
        Grpc.newChannelBuilder(
                program.address(),
                TlsChannelCredentials.newBuilder().trustManager(trusted.toFile()).build())
            .build();
    try (CloudTasksClient client =
        CloudTasksClient.create(
            CloudTasksSettings.newBuilder()
                .setCredentialsProvider(NoCredentialsProvider.create())
                .setTransportChannelProvider(
                    FixedTransportChannelProvider.create(GrpcTransportChannel.create(channel)))
                .build())) {
      works(client);
    } finally {
      channel.shutdownNow();
    }
  }

  @Test
  void javaOverJson() throws Exception {
    try (InputStream certificate = Files.newInputStream(trusted);
        CloudTasksClient client =
            CloudTasksClient.create(
                CloudTasksSettings.newHttpJsonBuilder()
                    .setCredentialsProvider(NoCredentialsProvider.create())
                    .setEndpoint(program.program.url())
                    .setTransportChannelProvider(
                        InstantiatingHttpJsonChannelProvider.newBuilder()
                            .setHttpTransport(
                                new NetHttpTransport.Builder()
                                    .trustCertificatesFromStream(certificate)
                                    .build())
                            .build())
                    .build())) {
      works(client);
    }
  }

  @Test
  void aPlaintextClientGetsNoResponse() throws Exception {
    try (CloudTasksClient client =
        CloudTasksClient.create(GoogleClientTest.grpc(program.address()))) {
      QueueName name = QueueName.of("shop", "europe-west1", "none");
      assertThrows(UnavailableException.class, () -> client.pauseQueue(name));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"grpc", "rest"})
  void node(String transport) throws Exception {
    NodeClient.install();
    NodeClient.tries(
        program.address(),
        transport,
        Map.of("TLS_CA", trusted.toString(), "NODE_EXTRA_CA_CERTS", trusted.toString()));
  }
}
