package io.taskrunner.config;

import java.net.InetAddress;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The role and the listening address of this process.
 *
 * @param dev whether it was started as {@code dev}
 * @param mode API, worker or both
 * @param port 1 to 65535
 * @param bind the address to listen on
 * @param pathPrefix empty, or {@code /x} without a trailing slash
 * @param tls the files for TLS; empty for plaintext
 */
public record ServerSettings(
    boolean dev,
    Mode mode,
    int port,
    InetAddress bind,
    String pathPrefix,
    Optional<TlsSettings> tls) {

  private static final Pattern PREFIX = Pattern.compile("(?:/[A-Za-z0-9._~-]{1,64}){1,8}");

  /** The role of a process. */
  public enum Mode {
    /** Serves HTTP. */
    API,
    /** Claims and dispatches; serves only health and metrics. */
    WORKER,
    /** Does both. */
    BOTH;

    /** Whether calls are served. */
    public boolean serves() {
      return this != WORKER;
    }

    /** Whether tasks are claimed and dispatched. */
    public boolean works() {
      return this != API;
    }
  }

  static ServerSettings read(Env env, boolean dev) {
    env.section("The process");
    Mode mode = env.oneOf("MODE", Mode.BOTH, "what this process runs");
    return new ServerSettings(
        dev,
        mode,
        env.integer(
            "PORT",
            mode == Mode.WORKER ? 8082 : 8080,
            "8080 (worker 8082)",
            1,
            65_535,
            "port for all protocols"),
        env.address("BIND", "0.0.0.0", "address to listen on"),
        env.text(
                "PATH_PREFIX",
                null,
                PREFIX,
                "/ and A-Z a-z 0-9 . _ ~ -, no trailing slash",
                "path prefix of all URLs; health and metrics are also served at the root")
            .orElse(""),
        TlsSettings.read(env));
  }

  /** Whether only this machine can reach the listener. */
  public boolean onLoopback() {
    return bind.isLoopbackAddress();
  }

  /** Its URL on this machine, prefix included, without a trailing slash. */
  public String url() {
    String host = bind.isAnyLocalAddress() ? "127.0.0.1" : bind.getHostAddress();
    return (tls.isPresent() ? "https://" : "http://") + new HostPort(host, port) + pathPrefix;
  }
}
