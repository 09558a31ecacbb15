package io.taskrunner.config;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Authentication, limits and defaults of calls.
 *
 * @param adminKey for all calls; without it admin calls are served only on a loopback listener
 * @param clientAuth whether a client needs a key to enqueue
 * @param maxOpenClients maximum number of auto-registered clients
 * @param metricsToken for {@code /metrics}, in addition to the admin key
 * @param maxBodyBytes maximum size of a request body
 * @param resultRetention how long finished tasks are kept by default
 * @param idempotencyTtl how long an idempotency key is remembered
 * @param cloudTasksAuth whether the Cloud Tasks API requires credentials
 * @param cloudTasksOpenTokens whether Cloud Tasks may ask for tokens if that API requires no
 *     credentials
 * @param publicUrl public URL of this server
 * @param dashboard the dashboard
 */
// Flat row: one component for each variable.
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
    Optional<URI> publicUrl,
    DashboardSettings dashboard) {

  /** Whether credentials are required. */
  public enum Access {
    /** They are not. */
    OPEN,
    /** They are. */
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
            "public URL of this server; the issuer of oidc_token"),
        DashboardSettings.read(env));
  }
}
