package io.taskrunner.faults;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.taskrunner.testkit.Ports;
import io.taskrunner.testkit.ProgramProcess;
import io.taskrunner.testkit.RedisServer;
import io.taskrunner.testkit.TestCertificate;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Redis and its Sentinel accept only TLS from the program. */
@Tag("faults")
@Timeout(120)
class TlsFaultsTest {

  private static final int PER_SECOND = 100;

  @RegisterExtension final Scene scene = new Scene();

  @Test
  void aNodeAndItsSentinelAreReachedOverTls() throws Exception {
    TestCertificate certificate = TestCertificate.of("ip:127.0.0.1");
    Map<String, String> trust = certificate.trusted(scene.folder());
    int tlsPort = Ports.free();
    RedisServer redis = scene.redisByTls(tlsPort, certificate);
    RedisServer sentinel = scene.sentinelByTls(tlsPort, certificate);
    Map<String, String> byUrl = Map.of("REDIS_URL", "rediss://127.0.0.1:" + tlsPort);
    Map<String, String> bySentinel =
        Map.of(
            "REDIS_SENTINEL_ADDR", "127.0.0.1:" + sentinel.port(),
            "REDIS_TLS", "true",
            "REDIS_WAIT_REPLICAS", "0");

    ProgramProcess mistrusting = scene.program("api", byUrl, "REDIS_CONNECT_RETRIES", "0");
    assertNotEquals(0, mistrusting.end(), "it must reject a certificate of an unknown authority");
    ProgramProcess worker = scene.program("worker", with(byUrl, trust));
    ProgramProcess api = scene.program("api", with(bySentinel, trust));
    Ledger ledger = scene.ledger(api, scene.receiver(), PER_SECOND);
    api.awaitReady();
    worker.awaitReady();
    ledger.begin();
    ledger.awaitMore(2 * PER_SECOND);

    Account account = ledger.settle(redis.settings());
    Table.add("Redis and its Sentinel speak TLS", account, "no trust, no start");
    Scene.assertNothingLost(account);
    assertEquals(0, account.refused() + account.broken() + account.again());
  }

  private static Map<String, String> with(Map<String, String> some, Map<String, String> more) {
    Map<String, String> all = new HashMap<>(some);
    all.putAll(more);
    return all;
  }
}
