package io.taskrunner.config;

import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;

/**
 * Which addresses an attempt may reach, the circuit breaker, and what is kept of failed responses.
 *
 * @param allowPrivateUrls whether targets may have private and loopback addresses
 * @param allowedCidrs blocks that targets may have in any case
 * @param deniedCidrs blocks that targets may not have; takes precedence
 * @param authorities CAs to trust for targets, in addition to those that the JVM trusts
 * @param connectTimeout time limit for connecting, TLS handshake included
 * @param breaker settings of the circuit breaker
 * @param excerptBytes how much of the body of a failed response is kept
 */
public record DispatchSettings(
    boolean allowPrivateUrls,
    List<Cidr> allowedCidrs,
    List<Cidr> deniedCidrs,
    List<X509Certificate> authorities,
    Duration connectTimeout,
    Breaker breaker,
    int excerptBytes) {

  public DispatchSettings {
    allowedCidrs = List.copyOf(allowedCidrs);
    deniedCidrs = List.copyOf(deniedCidrs);
    authorities = List.copyOf(authorities);
  }

  /**
   * The circuit breaker of a host.
   *
   * @param failureThreshold failures in a row that open it; 0 switches it off
   * @param timeout the longest time between probes
   * @param maxRequests probes at once when it begins to be half open
   * @param interval reset the failure count after this long without a failure
   */
  public record Breaker(
      int failureThreshold, Duration timeout, int maxRequests, Duration interval) {}

  static DispatchSettings read(Env env) {
    env.section("Targets");
    return new DispatchSettings(
        env.flag(
            "ALLOW_PRIVATE_URLS", false, "whether targets may have private and loopback addresses"),
        env.cidrs(
            "ALLOWED_CIDRS",
            "addresses that targets may have in any case, even link-local and metadata addresses"),
        env.cidrs(
            "DENIED_CIDRS",
            "addresses that targets may not have; takes precedence over ALLOWED_CIDRS"),
        TlsSettings.authorities(
            env,
            "TARGET_CA_FILE",
            "CA certificates (PEM) to trust for targets, in addition to those that the JVM trusts"),
        env.seconds(
            "CONNECT_TIMEOUT_SEC",
            10,
            1,
            300,
            "time limit for connecting to a target, TLS handshake included"),
        new Breaker(
            env.integer(
                "CB_FAILURE_THRESHOLD",
                5,
                0,
                1_000_000_000,
                "failures in a row of one host and port, of any kind, that open its circuit breaker;"
                    + " 0 switches breakers off and closes those that are open"),
            env.seconds(
                "CB_TIMEOUT_SEC",
                30,
                1,
                3600,
                "the longest time between probes of an open host: the first are sent after a second,"
                    + " the next after 2, 4 … seconds, up to this"),
            env.integer(
                "CB_MAX_REQUESTS",
                3,
                1,
                1000,
                "probes at once: each that succeeds allows one more, each that fails one less; at 0 the"
                    + " breaker opens again, at twice as many it may close"),
            env.seconds(
                "CB_INTERVAL_SEC",
                60,
                1,
                86_400,
                "reset the failure count after this long without a failure")),
        env.integer(
            "ANSWER_EXCERPT_BYTES",
            1024,
            0,
            4096,
            "how much of the body of a response is kept with a failed attempt, in bytes; 0 keeps nothing"));
  }
}
