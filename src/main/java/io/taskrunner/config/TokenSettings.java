package io.taskrunner.config;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * What the tokens that tasks carry are made with.
 *
 * @param keyFile private RSA keys in PEM, the first of which signs; empty for keys of the
 *     installation's own, kept in Redis
 * @param keyLifetime how long a key of its own signs until another follows it
 * @param access the token of {@code oauth_token}; empty for one of the installation's own
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
