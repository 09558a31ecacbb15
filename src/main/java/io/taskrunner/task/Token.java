package io.taskrunner.task;

/**
 * Who a request says it comes from, in its {@code Authorization} header. Made anew for each
 * attempt.
 */
public sealed interface Token {

  /** An address, as service accounts have it, that the receiver knows the task by. */
  String account();

  /**
   * A signed statement of who calls (OpenID Connect Core 1.0 §2).
   *
   * @param account the address that is stated
   * @param audience whom it is meant for
   * @param issuer who states it: where the keys are found that prove it
   */
  record Identity(String account, String audience, String issuer) implements Token {}

  /**
   * A token of an installation that its receivers have been told.
   *
   * @param scope kept and shown, and of no use here
   */
  record Access(String account, String scope) implements Token {}
}
