package io.taskrunner.store.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.lettuce.core.ScriptOutputType;
import io.taskrunner.store.redis.link.Answers;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.Node;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.record.Policy;
import io.taskrunner.task.CloudRetryPolicy;
import io.taskrunner.task.Outcome;
import io.taskrunner.task.Retry;
import io.taskrunner.task.RetryPolicy;
import io.taskrunner.task.Verdict;
import io.taskrunner.testkit.RedisExtension;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A lost lease is retried by Redis, everything else by Java: both by the same rules. */
class RetryParityTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final int POLICIES = 3000;
  private final Random random = new Random(11);

  private @Nullable Duration maybe(long most) {
    return switch (random.nextInt(4)) {
      case 0 -> null;
      case 1 -> Duration.ofMillis(random.nextInt(3));
      case 2 -> Duration.ofMillis(random.nextLong(most));
      default -> Duration.ofMillis(random.nextLong(10_000));
    };
  }

  private Retry retry() {
    if (random.nextInt(5) == 0) {
      return Retry.UNSET;
    }
    return new Retry(
        random.nextBoolean() ? random.nextInt(101) : null,
        maybe(4_000_000_000L),
        maybe(100_000_000_000L),
        random.nextBoolean() ? random.nextInt(120) : null,
        maybe(1_000_000_000_000L),
        random.nextBoolean() ? random.nextBoolean() : null);
  }

  @Test
  void waitsAndLimitsAreTheSameInLuaAndJava() throws IOException {
    List<byte[]> args = new ArrayList<>();
    List<String> expected = new ArrayList<>();
    for (int i = 0; i < POLICIES; i++) {
      Retry own = retry();
      Retry queue = retry();
      int most = random.nextInt(101);
      int k = 1 + random.nextInt(110);
      RetryPolicy policy = own.over(queue).policy(most);
      expected.add(
          policy.maxRetries()
              + " "
              + policy.backoff(k).toMillis()
              + " "
              + Optional.ofNullable(policy.maxDuration())
                  .map(Duration::toMillis)
                  .orElse((1L << 53) - 1));
      // No fields are represented by no settings at all, as in a record.
      args.add(own.equals(Retry.UNSET) ? new byte[0] : Policy.write(own, null));
      args.add(Policy.write(queue, Duration.ofSeconds(3)));
      args.add(Keys.bytes(most));
      args.add(Keys.bytes(k));
    }
    assertEquals(
        expected,
        inLua(
            args,
            """
            for at = 1, #ARGV, 4 do
              local own = ARGV[at] ~= '' and ARGV[at] or nil
              local p = retry_policy(own, ARGV[at + 1], tonumber(ARGV[at + 2]))
              told[#told + 1] = string.format('%.0f %.0f %.0f', p.max_retries,
                backoff_ms(p, tonumber(ARGV[at + 3])), p.max_duration_ms)
            end
            """));
  }

  @Test
  void googlesRuleIsTheSameInLuaAndJava() throws IOException {
    List<byte[]> args = new ArrayList<>();
    List<String> expected = new ArrayList<>();
    for (int i = 0; i < POLICIES; i++) {
      CloudRetryPolicy policy =
          new CloudRetryPolicy(
              random.nextInt(4) == 0 ? -1 : 1 + random.nextInt(50),
              random.nextBoolean() ? Duration.ZERO : Duration.ofMillis(random.nextInt(100_000)),
              Duration.ofMillis(random.nextInt(3) == 0 ? 0 : random.nextInt(100_000)),
              Duration.ofMillis(random.nextLong(100_000_000_000L)),
              random.nextInt(random.nextBoolean() ? 20 : Integer.MAX_VALUE));
      int attempts = 1 + random.nextInt(random.nextBoolean() ? 60 : 65_535);
      long since = random.nextInt(120_000);
      boolean buried =
          policy.judge(
                  new Outcome.TimedOut(Duration.ZERO), attempts, Duration.ofMillis(since), () -> 0)
              instanceof Verdict.Bury;
      expected.add(policy.backoff(attempts).toMillis() + " " + buried);
      args.add(Policy.write(policy));
      args.add(Keys.bytes(attempts));
      args.add(Keys.bytes(since));
    }
    assertEquals(
        expected,
        inLua(
            args,
            """
            for at = 1, #ARGV, 3 do
              local p = retry_policy(nil, ARGV[at], 5)
              local attempts = tonumber(ARGV[at + 1])
              told[#told + 1] = string.format('%.0f %s', backoff_ms(p, attempts),
                tostring(spent(p, attempts, tonumber(ARGV[at + 2]))))
            end
            """));
  }

  private static List<String> inLua(List<byte[]> args, String loop) throws IOException {
    String script =
        "local unpack_struct, NEVER = struct.unpack, 2 ^ 53 - 1\n"
            + read("/lua/lib/retry.lua")
            + "local told = {}\n"
            + loop
            + "return told\n";
    try (Node node = Node.open(REDIS.settings(), 1, Optional.empty())) {
      List<byte[]> told =
          Answers.await(
              node.calls()
                  .<List<byte[]>>eval(
                      script.getBytes(StandardCharsets.UTF_8),
                      ScriptOutputType.MULTI,
                      new byte[0][],
                      args.toArray(byte[][]::new)),
              System.nanoTime() + Duration.ofSeconds(20).toNanos());
      return told.stream().map(Keys::text).toList();
    }
  }

  private static String read(String name) throws IOException {
    try (InputStream in = Objects.requireNonNull(Script.class.getResourceAsStream(name))) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8) + "\n";
    }
  }
}
