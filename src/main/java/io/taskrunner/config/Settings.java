package io.taskrunner.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * All settings.
 *
 * @param server role and listening address of this process
 * @param log level and format of the log
 * @param redis the Redis to use
 * @param api authentication and limits of calls
 * @param cloudTasks limits of Google Cloud Tasks
 * @param tokens keys and tokens for tasks
 * @param worker concurrency and time limits
 * @param dispatch permitted addresses and circuit breaker
 * @param tracing the OpenTelemetry collector
 * @param dataDir directory of the embedded Redis
 * @param redisNamed whether the environment sets a Redis; if not, {@code dev} starts an embedded
 *     one
 * @param warnings to log at startup, such as a misspelled variable
 */
// Flat row: one component for each group of settings.
public record Settings(
    ServerSettings server,
    LogSettings log,
    RedisSettings redis,
    ApiSettings api,
    CloudTasksSettings cloudTasks,
    TokenSettings tokens,
    WorkerSettings worker,
    DispatchSettings dispatch,
    TracingSettings tracing,
    Path dataDir,
    boolean redisNamed,
    List<String> warnings) {

  public Settings {
    warnings = List.copyOf(warnings);
  }

  /** Defaults of {@code dev} that differ from {@code serve}. */
  public static final Map<String, String> DEV =
      Map.of(
          "BIND", "127.0.0.1",
          "ALLOW_PRIVATE_URLS", "true",
          "CLOUD_TASKS_AUTH", "open",
          "CLOUD_TASKS_OPEN_TOKENS", "true",
          "DASHBOARD_NAME", "dev");

  /** The settings of {@code ./task-runner serve}. */
  public static Settings serve(Map<String, String> environment) {
    return read(Env.of(environment, Map.of()), false);
  }

  /** The settings of {@code ./task-runner dev}. */
  public static Settings dev(Map<String, String> environment) {
    return read(Env.of(environment, DEV), true);
  }

  /** All variables, with the defaults of {@code serve}. */
  public static List<Setting> declared() {
    Env env = Env.of(Map.of(), Map.of());
    var unused = read(env, false);
    return env.declared();
  }

  private static Settings read(Env env, boolean dev) {
    ServerSettings server = ServerSettings.read(env, dev);
    Path dataDir =
        env.path(
            "DATA_DIR", "./data", "directory of the embedded Redis of dev; created with mode 0700");
    LogSettings log = LogSettings.read(env);
    RedisSettings redis = RedisSettings.read(env);
    Settings settings =
        new Settings(
            server,
            log,
            redis,
            ApiSettings.read(env),
            CloudTasksSettings.read(env),
            TokenSettings.read(env),
            WorkerSettings.read(env),
            DispatchSettings.read(env),
            TracingSettings.read(env),
            dataDir,
            RedisSettings.isNamed(env),
            List.of());
    env.done();
    return settings.warned(Mistyped.warnings(env.names(), env.declared()));
  }

  private Settings warned(List<String> of) {
    return new Settings(
        server,
        log,
        redis,
        api,
        cloudTasks,
        tokens,
        worker,
        dispatch,
        tracing,
        dataDir,
        redisNamed,
        of);
  }
}
