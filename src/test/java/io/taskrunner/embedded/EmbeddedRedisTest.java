package io.taskrunner.embedded;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.config.CannotStart;
import io.taskrunner.config.Secret;
import io.taskrunner.embedded.EmbeddedRedis.Running;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class EmbeddedRedisTest {

  @TempDir Path temp;

  /** A program of its own that has an embedded Redis, as the real one has. */
  static final class OtherProgram {
    private OtherProgram() {}

    public static void main(String[] args) throws Exception {
      try (EmbeddedRedis redis = EmbeddedRedis.start(Path.of(args[0]))) {
        System.out.println("pid " + redis.running().pid());
        int end = System.in.read();
        System.out.println("ended by " + end);
      }
    }
  }

  private Path dir() {
    return temp.resolve("data");
  }

  @AfterEach
  void nothingIsLeftRunning() throws Exception {
    if (EmbeddedRedis.running(dir()).isPresent()) {
      EmbeddedRedis.start(dir()).close();
    }
  }

  @Test
  void dataSurvivesARestart() throws Exception {
    Secret password;
    long pid;
    try (EmbeddedRedis redis = EmbeddedRedis.start(dir())) {
      password = redis.running().password();
      pid = redis.running().pid();
      call(redis.running(), "SET", "greeting", "hello");
    }
    assertFalse(isRunning(pid), "it ends with us");
    assertFalse(Files.exists(dir().resolve("redis.pid")));
    assertEquals(Optional.empty(), EmbeddedRedis.running(dir()));

    try (EmbeddedRedis redis = EmbeddedRedis.start(dir())) {
      assertEquals(password, redis.running().password());
      assertEquals(List.of("hello"), call(redis.running(), "GET", "greeting"));
    }
  }

  @Test
  void itsFilesArePrivateAndItListensOnlyOnLoopback() throws Exception {
    try (EmbeddedRedis redis = EmbeddedRedis.start(dir())) {
      assertEquals("rwx------", permissions(dir()));
      for (String file : List.of("redis.password", "redis.conf", "lock")) {
        assertEquals("rw-------", permissions(dir().resolve(file)), file);
      }
      assertEquals(
          redis.running().pid() + " " + redis.running().port() + "\n",
          Files.readString(dir().resolve("redis.pid")));
      assertEquals(List.of("bind", "127.0.0.1"), call(redis.running(), "CONFIG", "GET", "bind"));
      assertEquals(
          List.of("appendonly", "yes"), call(redis.running(), "CONFIG", "GET", "appendonly"));
      assertEquals(
          List.of("maxmemory-policy", "noeviction"),
          call(redis.running(), "CONFIG", "GET", "maxmemory-policy"));
      assertThrows(
          RedisPort.Refused.class,
          () -> RedisPort.open(redis.running().port(), new Secret("guess")).close());
    }
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void itRunsInItsOwnSessionSoThatCtrlCDoesNotReachIt() throws Exception {
    try (EmbeddedRedis redis = EmbeddedRedis.start(dir())) {
      assertNotEquals(sessionOf(ProcessHandle.current().pid()), sessionOf(redis.running().pid()));
      assertEquals(
          "",
          Files.readString(Path.of("/proc/" + redis.running().pid() + "/environ")),
          "nothing of our environment, with its secrets, is handed on");
    }
  }

  @Test
  void aSecondProgramOnTheSameDirectoryIsRejected() throws Exception {
    try (OtherProcess other = OtherProcess.start(dir())) {
      CannotStart refused = assertThrows(CannotStart.class, () -> EmbeddedRedis.start(dir()));
      assertTrue(
          refused
              .getMessage()
              .contains("is in use by another Task Runner (process " + other.process.pid() + ")"),
          refused.getMessage());
      assertTrue(EmbeddedRedis.running(dir()).isPresent(), "the first one goes on");
    }
  }

  @Test
  void aSecondStartInTheSameProgramIsRejected() throws Exception {
    try (EmbeddedRedis redis = EmbeddedRedis.start(dir())) {
      assertThrows(CannotStart.class, () -> EmbeddedRedis.start(dir()));
      assertEquals(Optional.of(redis.running()), EmbeddedRedis.running(dir()));
    }
    EmbeddedRedis.start(dir()).close();
  }

  @Test
  void theRedisOfAKilledProgramIsReusedAndNotStartedTwice() throws Exception {
    long pid;
    try (OtherProcess other = OtherProcess.start(dir())) {
      pid = other.redisPid;
      call(EmbeddedRedis.running(dir()).orElseThrow(), "SET", "greeting", "hello");
      other.kill();
    }
    assertTrue(isRunning(pid), "it outlives the program");

    try (EmbeddedRedis redis = EmbeddedRedis.start(dir())) {
      assertEquals(pid, redis.running().pid());
      assertEquals(List.of("hello"), call(redis.running(), "GET", "greeting"));
    }
    assertFalse(isRunning(pid), "it ends with its new program");
  }

  @Test
  void nothingIsLostWhenProgramAndRedisAreBothKilled() throws Exception {
    try (OtherProcess other = OtherProcess.start(dir())) {
      Running running = EmbeddedRedis.running(dir()).orElseThrow();
      for (int i = 0; i < 100; i++) {
        call(running, "RPUSH", "list", String.valueOf(i));
      }
      // While the disk is slow Redis writes its file up to two seconds later.
      while (!call(running, "INFO", "persistence").toString().contains("aof_buffer_length:0")) {
        Thread.onSpinWait();
      }
      ProcessHandle redis = ProcessHandle.of(running.pid()).orElseThrow();
      other.kill();
      redis.destroyForcibly();
      redis.onExit().get(10, TimeUnit.SECONDS);
    }
    try (EmbeddedRedis redis = EmbeddedRedis.start(dir())) {
      assertEquals(List.of("100"), call(redis.running(), "LLEN", "list"));
    }
  }

  @Test
  void anotherRedisOnTheKnownPortIsNotUsed() throws Exception {
    Path elsewhere = temp.resolve("elsewhere");
    try (EmbeddedRedis other = EmbeddedRedis.start(elsewhere)) {
      EmbeddedRedis.start(dir()).close();
      // As after a reboot: another program has our port, and even our password.
      Files.copy(
          elsewhere.resolve("redis.password"),
          dir().resolve("redis.password"),
          StandardCopyOption.REPLACE_EXISTING);
      Files.writeString(dir().resolve("redis.conf"), "port " + other.running().port() + "\n");

      try (EmbeddedRedis redis = EmbeddedRedis.start(dir())) {
        assertNotEquals(other.running().pid(), redis.running().pid());
        assertNotEquals(other.running().port(), redis.running().port());
      }
      assertTrue(EmbeddedRedis.running(elsewhere).isPresent(), "the stranger is left alone");
    }
  }

  @Test
  void aDirectoryWithForeignFilesIsRejectedAndUnchanged() throws Exception {
    Files.createDirectory(
        dir(), PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
    Files.writeString(dir().resolve("letter.txt"), "dear");

    CannotStart refused = assertThrows(CannotStart.class, () -> EmbeddedRedis.start(dir()));

    assertTrue(refused.getMessage().startsWith("DATA_DIR: "), refused.getMessage());
    assertEquals("rwxr-xr-x", permissions(dir()));
  }

  @Test
  void aDirectoryThatCannotBeCreatedIsNamed() throws Exception {
    Path file = Files.writeString(temp.resolve("file"), "");
    CannotStart refused =
        assertThrows(CannotStart.class, () -> EmbeddedRedis.start(file.resolve("data")));
    assertTrue(refused.getMessage().startsWith("DATA_DIR: "), refused.getMessage());
  }

  private static boolean isRunning(long pid) {
    return ProcessHandle.of(pid).flatMap(process -> process.info().command()).isPresent();
  }

  private static List<String> call(Running running, String... words) throws IOException {
    try (RedisPort redis = RedisPort.open(running.port(), running.password())) {
      return redis.call(words);
    }
  }

  private static String permissions(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }

  private static String sessionOf(long pid) throws IOException {
    String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
    return stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1)[3];
  }

  /** Another JVM that uses the directory until it is stopped, or killed. */
  private static final class OtherProcess implements AutoCloseable {
    final Process process;
    final long redisPid;

    private OtherProcess(Process process, long redisPid) {
      this.process = process;
      this.redisPid = redisPid;
    }

    static OtherProcess start(Path dir) throws IOException {
      Process process =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-Xmx64m",
                  "-cp",
                  System.getProperty("java.class.path"),
                  OtherProgram.class.getName(),
                  dir.toString())
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      BufferedReader out = process.inputReader(StandardCharsets.UTF_8);
      String line = out.readLine();
      while (line != null && !line.startsWith("pid ")) {
        line = out.readLine();
      }
      if (line == null) {
        throw new IOException("the other program did not start");
      }
      return new OtherProcess(process, Long.parseLong(line.substring(4)));
    }

    void kill() throws InterruptedException {
      process.destroyForcibly().waitFor();
    }

    @Override
    public void close() throws IOException, InterruptedException {
      if (process.isAlive()) {
        process.getOutputStream().close();
      }
      process.waitFor();
    }
  }
}
