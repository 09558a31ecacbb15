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
            "admin key, sent as X-Admin-Key, for all calls; without it and without named admin keys,"
                + " admin calls are served only on a loopback address"),
        env.oneOf(
            "CLIENT_AUTH",
            Access.OPEN,
            "whether clients must authenticate with an API key to enqueue"),
        env.integer(
            "MAX_OPEN_CLIENTS",
            10_000,
            0,
            1_000_000,
            "maximum number of auto-registered clients (with CLIENT_AUTH=open)"),
        env.secret("METRICS_TOKEN", "bearer token for /metrics"),
        env.integer(
            "MAX_BODY_BYTES",
            1_048_576,
            1024,
            8_388_608,
            "maximum request body size; batches have their own limit (16 MiB)"),
        env.seconds(
            "RESULT_RETENTION_SEC",
            3600,
            0,
            31_536_000,
            "how long finished tasks are kept by default"),
        env.seconds(
            "IDEMPOTENCY_TTL_SEC",
            86_400,
            1,
            31_536_000,
            "how long idempotency keys are remembered"),
        env.oneOf(
            "CLOUD_TASKS_AUTH",
            Access.REQUIRED,
            "whether callers of the Cloud Tasks API must authenticate"),
        env.flag(
            "CLOUD_TASKS_OPEN_TOKENS",
            false,
            "whether tasks may ask for tokens with CLOUD_TASKS_AUTH=open"),
        env.url(
            "PUBLIC_URL",
            List.of("http", "https"),
            "an http or https URL",
            "public URL of this server; the issuer of oidc_token"));
  }
}
