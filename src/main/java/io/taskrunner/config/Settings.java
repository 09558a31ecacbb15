package io.taskrunner.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Everything that the environment says, read at once.
 *
 * @param server what runs here and where it listens
 * @param log how much is logged
 * @param redis which Redis holds everything
 * @param api who may call
 * @param cloudTasks how far Google's protocol is kept to
 * @param tokens what the tokens of tasks are made with
 * @param worker how many attempts run
 * @param dispatch where they may go
 * @param tracing where spans go
 * @param dataDir where an embedded Redis keeps its files
 * @param redisNamed whether the environment names a Redis; when not, {@code dev} brings its own
 * @param warnings what a start should tell, such as a variable that is likely mistyped
 */
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

  /** How {@code dev} differs from {@code serve} where a variable is not set. */
  public static final Map<String, String> DEV =
      Map.of(
          "BIND", "127.0.0.1",
          "ALLOW_PRIVATE_URLS", "true",
          "CLOUD_TASKS_AUTH", "open",
          "CLOUD_TASKS_OPEN_TOKENS", "true");

  /** The settings of {@code ./task-runner serve}. */
  public static Settings serve(Map<String, String> environment) {
    return read(Env.of(environment, Map.of()), false);
  }

  /** The settings of {@code ./task-runner dev}. */
  public static Settings dev(Map<String, String> environment) {
    return read(Env.of(environment, DEV), true);
  }

  /** Every variable there is, with the defaults of {@code serve}. */
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
