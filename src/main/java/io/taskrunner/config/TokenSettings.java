package io.taskrunner.config;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * Keys and tokens for tasks with OIDC or OAuth tokens.
 *
 * @param keyFile private RSA keys in PEM, the first of which signs; empty for generated keys,
 *     stored in Redis
 * @param keyLifetime how long a generated key is used before it is rotated
 * @param access the token for {@code oauth_token}; empty for a generated one
 */
public record TokenSettings(Optional<Path> keyFile, Duration keyLifetime, Optional<Secret> access) {

  static TokenSettings read(Env env) {
    return new TokenSettings(
        env.optionalPath(
            "CLOUD_TASKS_SIGNING_KEY_FILE",
            "private RSA keys (PKCS #8 in PEM) for oidc_token, the first of which signs; default: keys"
                + " generated and stored in Redis"),
        Duration.ofDays(
            env.integer(
                "CLOUD_TASKS_SIGNING_KEY_DAYS",
                90,
                1,
                3650,
                "how many days a generated key is used before it is rotated")),
        env.secret(
            "CLOUD_TASKS_OAUTH_TOKEN",
            "token sent for tasks with an oauth_token; default: a token generated and stored in Redis"));
  }
}
