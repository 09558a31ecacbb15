package io.taskrunner.task;

/**
 * The identity of a request, in its {@code Authorization} header. A new one is created for each
 * attempt.
 */
public sealed interface Token {

  /** An email address, as of service accounts, that identifies the task to the receiver. */
  String account();

  /**
   * A signed ID token (OpenID Connect Core 1.0 §2).
   *
   * @param account the email address in the token
   * @param audience its intended receiver
   * @param issuer its issuer: where the keys for verification are published
   */
  record Identity(String account, String audience, String issuer) implements Token {}

  /**
   * A token of an installation, configured at its receivers.
   *
   * @param scope stored and returned, but not used
   */
  record Access(String account, String scope) implements Token {}
}
