package io.taskrunner.cloudtasks;

import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Google's Node client, with both of its transports: its program is in {@code src/test/node}. */
@Timeout(300)
class NodeClientTest {

  private static CloudProgram program;

  @BeforeAll
  static void start() throws Exception {
    NodeClient.install();
    program = CloudProgram.start();
  }

  @AfterAll
  static void stop() {
    if (program != null) {
      program.close();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"grpc", "rest"})
  void everyMethodWorksWithTheClient(String transport) throws Exception {
    NodeClient.tries(program.address(), transport, Map.of());
  }
}
