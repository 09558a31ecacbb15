package io.taskrunner.store.redis;

import static io.taskrunner.store.redis.Stage.wish;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lettuce.core.FlushMode;
import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.output.ArrayOutput;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CommandType;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import io.taskrunner.testkit.RedisExtension;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The library of functions is loaded when it is missing, and there is one version of it. */
class FunctionsTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private Stage stage;

  @BeforeEach
  void open() {
    stage = Stage.open(REDIS);
  }

  @AfterEach
  void close() {
    stage.proven();
    stage.close();
  }

  /** The libraries of this program that Redis has, with their functions. */
  private String libraries() {
    CommandArgs<String, String> args =
        new CommandArgs<>(StringCodec.UTF8).add("LIST").add("LIBRARYNAME").add("task_runner_*");
    List<Object> all =
        stage.redis.dispatch(CommandType.FUNCTION, new ArrayOutput<>(StringCodec.UTF8), args);
    return all.toString();
  }

  private long calls(String command) {
    return stage
        .redis
        .info("commandstats")
        .lines()
        .filter(line -> line.startsWith("cmdstat_" + command + ":calls="))
        .mapToLong(line -> Long.parseLong(line.split("[=,]", 3)[1]))
        .sum();
  }

  private void oneTaskSucceeds() {
    TaskId id = stage.enqueue(wish());
    List<Claim> claims = stage.claim(1);
    assertEquals(id, claims.getFirst().id());
    stage.succeed(claims.getFirst());
    assertEquals(TaskState.SUCCEEDED, stage.store.tasks().get(id).orElseThrow().state());
  }

  @Test
  void aTaskIsEnqueuedClaimedAndSettledByFunctionsAlone() {
    oneTaskSucceeds();
    long functions = calls("fcall");
    long scripts = calls("evalsha") + calls("eval");
    oneTaskSucceeds();
    assertTrue(calls("fcall") >= functions + 3, "enqueue, claim and settle");
    assertEquals(scripts + 1, calls("evalsha") + calls("eval"), "the read of the task");
  }

  @Test
  void whenRedisHasLostItsFunctionsTheyAreLoadedAgainAndNoCallFails() {
    oneTaskSucceeds();
    stage.redis.functionFlush(FlushMode.SYNC);
    stage.redis.scriptFlush();
    oneTaskSucceeds();
    assertTrue(libraries().contains("settle_"), libraries());
    long functions = calls("fcall");
    oneTaskSucceeds();
    assertTrue(calls("fcall") >= functions + 3, "enqueue, claim and settle");
  }

  @Test
  void aStartDeletesTheLibraryOfAnotherVersionAndNoOther() {
    String function = "redis.register_function('%s', function() return 1 end)";
    stage.redis.functionLoad("#!lua name=task_runner_old\n" + function.formatted("claim_old"));
    stage.redis.functionLoad("#!lua name=mine\n" + function.formatted("mine"));
    Stage other = Stage.open(REDIS);
    other.close();
    assertFalse(libraries().contains("claim_old"), libraries());
    assertTrue(libraries().contains("claim_"), libraries());
    assertEquals(1L, (Long) stage.redis.fcall("mine", io.lettuce.core.ScriptOutputType.INTEGER));
    stage.redis.functionFlush(FlushMode.SYNC);
  }
}
