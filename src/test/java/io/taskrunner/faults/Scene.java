package io.taskrunner.faults;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.taskrunner.testkit.ClusterSet;
import io.taskrunner.testkit.Folders;
import io.taskrunner.testkit.ProgramProcess;
import io.taskrunner.testkit.Proxy;
import io.taskrunner.testkit.RedisServer;
import io.taskrunner.testkit.SentinelSet;
import io.taskrunner.testkit.TestCertificate;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * The processes of a scenario: everything that it starts ends with it, the last first; and when it
 * fails, the output of all its processes is printed. Register it in a field of the instance.
 */
final class Scene implements BeforeEachCallback, AfterEachCallback {

  /** The admin's key at every API of a scene. */
  static final String ADMIN_KEY = "admin-sesame";

  /** The shortest allowed lease, in seconds. */
  static final int LEASE_SEC = 5;

  /** The concurrent attempts of each worker. */
  static final int SLOTS = 10;

  private final Deque<AutoCloseable> open = new ArrayDeque<>();
  private final List<ProgramProcess> programs = new ArrayList<>();
  private final List<Supplier<String>> logs = new ArrayList<>();
  private Path folder = Path.of("");

  @Override
  public void beforeEach(ExtensionContext context) throws IOException {
    folder = Files.createTempDirectory("faults");
    open.push(() -> Folders.delete(folder));
  }

  @Override
  public void afterEach(ExtensionContext context) throws Exception {
    if (context.getExecutionException().isPresent()) {
      for (ProgramProcess program : programs) {
        System.out.println("== " + program.url() + " said\n" + program.output());
      }
      logs.forEach(said -> System.out.println("== the nodes said\n" + said.get()));
    }
    while (!open.isEmpty()) {
      open.pop().close();
    }
  }

  /** A folder that is deleted with the scene. */
  Path folder() {
    return folder;
  }

  /** Registers something to be closed at the end. */
  <T extends AutoCloseable> T with(T part) {
    open.push(part);
    return part;
  }

  /** A Redis that appends to a file in the scene's folder. */
  RedisServer redis(int port, String fsync) throws IOException {
    return with(
        RedisServer.start(
            port, "--dir", folder.toString(), "--appendonly", "yes", "--appendfsync", fsync));
  }

  /** A Redis that also listens by TLS, on this port. */
  RedisServer redisByTls(int tlsPort, TestCertificate certificate) throws IOException {
    TestCertificate.Pem pem = certificate.pem(folder);
    return with(
        RedisServer.start(
            "--tls-port", Integer.toString(tlsPort),
            "--tls-cert-file", pem.certificate().toString(),
            "--tls-key-file", pem.key().toString(),
            "--tls-ca-cert-file", pem.certificate().toString(),
            "--tls-auth-clients", "no"));
  }

  /** A Sentinel that uses only TLS, with a master that listens by TLS on this port. */
  RedisServer sentinelByTls(int masterPort, TestCertificate certificate) throws IOException {
    return with(RedisServer.startSentinelByTls(folder, masterPort, certificate.pem(folder)));
  }

  /** Three nodes and three Sentinels. */
  SentinelSet sentinels() throws IOException {
    return logged(SentinelSet.start(folder));
  }

  /** The same, on a network that can be divided; elsewhere than on Linux, the test is skipped. */
  SentinelSet divisibleSentinels() throws IOException {
    assumeTrue(
        System.getProperty("os.name").equals("Linux"),
        "only Linux has a second loopback address, which the nodes call each other from");
    return logged(SentinelSet.startDivisible(folder));
  }

  private SentinelSet logged(SentinelSet set) {
    logs.add(with(set)::logs);
    return set;
  }

  /** A cluster of three masters with a replica each. */
  ClusterSet cluster() throws IOException {
    ClusterSet set = with(ClusterSet.start(folder));
    logs.add(set::logs);
    return set;
  }

  /** The environment of a program on one Redis. */
  static Map<String, String> on(int redisPort) {
    return Map.of("REDIS_URL", "redis://127.0.0.1:" + redisPort);
  }

  /** A faulty network before a server of 127.0.0.1. */
  Proxy proxy(int port) {
    return with(Proxy.start(port));
  }

  /** Starts an API or a worker; it is not awaited. */
  ProgramProcess program(String mode, Map<String, String> redis, String... more)
      throws IOException {
    Map<String, String> env = new HashMap<>(redis);
    env.put("MODE", mode);
    return start("serve", env, more);
  }

  /** Starts all of it with a Redis of its own in this folder; it is not awaited. */
  ProgramProcess dev(Path data, String... more) throws IOException {
    Map<String, String> env = new HashMap<>();
    env.put("DATA_DIR", data.toString());
    return start("dev", env, more);
  }

  private ProgramProcess start(String word, Map<String, String> env, String... more)
      throws IOException {
    env.put("BIND", "127.0.0.1");
    env.put("ALLOW_PRIVATE_URLS", "true");
    env.put("CLIENT_AUTH", "open");
    env.put("CLOUD_TASKS_AUTH", "open");
    env.put("ADMIN_API_KEY", ADMIN_KEY);
    env.put("LOG_FORMAT", "text");
    env.put("LEASE_SEC", Integer.toString(LEASE_SEC));
    env.put("WORKER_CONCURRENCY", Integer.toString(SLOTS));
    for (int i = 0; i < more.length; i += 2) {
      env.put(more[i], more[i + 1]);
    }
    ProgramProcess program = with(ProgramProcess.start(env, word));
    programs.add(program);
    return program;
  }

  /** A target for tasks. */
  Receiver receiver() throws IOException {
    return with(new Receiver("127.0.0.1"));
  }

  /** The same, reached by every address of 127.0.0.0/8. */
  Receiver receiverEverywhere() throws IOException {
    return with(new Receiver("0.0.0.0"));
  }

  /** A load that has not begun yet. */
  Ledger ledger(ProgramProcess api, Receiver receiver, int perSecond) {
    return with(new Ledger(api, receiver, perSecond, false));
  }

  /** The same, but each call is repeated with its key until it is accepted. */
  Ledger patientLedger(ProgramProcess api, Receiver receiver, int perSecond) {
    return with(new Ledger(api, receiver, perSecond, true));
  }

  /** The checks that hold in every scenario. */
  static void assertNothingLost(Account account) {
    assertAll(
        account.toString(),
        () -> assertEquals(List.of(), account.strange(), "other answers than 2xx and 503"),
        () -> assertEquals(0, account.lost(), "accepted tasks that never arrived"),
        () -> assertEquals(0, account.dead(), "tasks that are dead and should not be"),
        () -> assertEquals(0, account.doubled(), "calls that made more than one task"),
        () -> assertEquals(0, account.withoutRetryAfter(), "503 without Retry-After"),
        () -> assertEquals(List.of(), account.findings(), "the doctor"));
  }
}
