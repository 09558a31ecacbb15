package io.taskrunner.store.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.taskrunner.config.Settings;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.testkit.Ports;
import io.taskrunner.testkit.RedisServer;
import io.taskrunner.testkit.TestCertificate;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A Redis with a certificate of an authority that only its installation knows. */
class PrivateAuthorityTest {

  private static StoreOptions by(int port, Map<String, String> more) {
    Map<String, String> environment = new HashMap<>(more);
    environment.put("REDIS_URL", "rediss://localhost:" + port);
    return StoreOptions.defaults(Settings.serve(environment).redis());
  }

  @Test
  void aPrivateAuthorityIsTrustedOnlyIfConfigured(@TempDir Path folder) throws Exception {
    TestCertificate.Pem pem = TestCertificate.of("dns:localhost").pem(folder);
    int port = Ports.free();
    try (RedisServer redis =
        RedisServer.start(
            "--tls-port",
            Integer.toString(port),
            "--tls-cert-file",
            pem.certificate().toString(),
            "--tls-key-file",
            pem.key().toString(),
            "--tls-ca-cert-file",
            pem.certificate().toString(),
            "--tls-auth-clients",
            "no")) {
      assertThrows(StoreUnavailable.class, () -> RedisStore.open(by(port, Map.of())).close());
      Map<String, String> named = Map.of("REDIS_TLS_CA_FILE", pem.certificate().toString());
      try (RedisStore store = RedisStore.open(by(port, named))) {
        assertEquals("master", store.system().health().role());
      }
    }
  }
}
