package io.taskrunner.config;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Who may call, and what a call may ask.
 *
 * @param adminKey opens everything; without it admin calls are served on a loopback listener alone
 * @param clientAuth whether a client may come without a key
 * @param maxOpenClients how many clients that registered themselves may live at once
 * @param metricsToken opens {@code /metrics} beside the admin key
 * @param maxBodyBytes of a call's body
 * @param resultRetention how long a finished task can be looked up, where it does not say itself
 * @param idempotencyTtl how long an idempotency key holds
 * @param cloudTasksAuth whether Google's protocol wants credentials
 * @param cloudTasksOpenTokens whether a task of Google's protocol may ask for a token while that
 *     protocol is open
 * @param publicUrl where callers reach this server
 */
public record ApiSettings(
    Optional<Secret> adminKey,
    Access clientAuth,
    int maxOpenClients,
    Optional<Secret> metricsToken,
    int maxBodyBytes,
    Duration resultRetention,
    Duration idempotencyTtl,
    Access cloudTasksAuth,
    boolean cloudTasksOpenTokens,
    Optional<URI> publicUrl) {

  /** Whether credentials are wanted. */
  public enum Access {
    /** Comes in without. */
    OPEN,
    /** Must show them. */
    REQUIRED
  }

  static ApiSettings read(Env env) {
    env.section("The API");
    return new ApiSettings(
        env.secret(
            "ADMIN_API_KEY",
            "opens everything as X-Admin-Key; without it, and without a named admin key, admin calls"
                + " are served on a loopback address alone"),
        env.oneOf("CLIENT_AUTH", Access.OPEN, "whether a client may enqueue without a key"),
        env.integer(
            "MAX_OPEN_CLIENTS",
            10_000,
            0,
            1_000_000,
            "how many clients that nobody set up may live at once while CLIENT_AUTH is open"),
        env.secret("METRICS_TOKEN", "opens /metrics as a bearer token"),
        env.integer(
            "MAX_BODY_BYTES",
            1_048_576,
            1024,
            8_388_608,
            "the largest body of a call, but a batch"),
        env.seconds(
            "RESULT_RETENTION_SEC",
            3600,
            0,
            31_536_000,
            "how long a finished task can be looked up, where it does not say itself"),
        env.seconds(
            "IDEMPOTENCY_TTL_SEC", 86_400, 1, 31_536_000, "how long an idempotency key holds"),
        env.oneOf(
            "CLOUD_TASKS_AUTH",
            Access.REQUIRED,
            "whether callers of Google's protocol must show credentials"),
        env.flag(
            "CLOUD_TASKS_OPEN_TOKENS",
            false,
            "whether tasks of Google's protocol get their tokens while that protocol is open"),
        env.url(
            "PUBLIC_URL",
            List.of("http", "https"),
            "an http or https URL",
            "where callers reach this server; the issuer of what oidc_token states"));
  }
}
