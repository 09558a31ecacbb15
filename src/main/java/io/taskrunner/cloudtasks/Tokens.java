package io.taskrunner.cloudtasks;

import com.google.cloud.tasks.v2.HttpRequest;
import com.google.cloud.tasks.v2.OAuthToken;
import com.google.cloud.tasks.v2.OidcToken;
import com.google.rpc.Code;
import io.taskrunner.http.call.Caller;
import io.taskrunner.task.Token;
import org.jspecify.annotations.Nullable;

/** The tokens that tasks carry: which caller may use which identity. */
final class Tokens {

  private static final String SCOPE = "https://www.googleapis.com/auth/cloud-platform";

  private final boolean open;
  private final String issuer;

  /**
   * Of an installation.
   *
   * @param open whether callers without credentials may use any identity
   * @param issuer of the tokens
   */
  Tokens(boolean open, String issuer) {
    this.open = open;
    this.issuer = issuer;
  }

  /**
   * Lets a caller have tasks carry the identity of an account.
   *
   * @throws Failure it may not
   */
  void admit(Caller caller, String account) {
    switch (caller) {
      case Caller.Admin _ -> {}
      case Caller.Known known -> {
        if (!known.client().settings().mayBe(account)) {
          throw new Failure(
              Code.PERMISSION_DENIED,
              "Client "
                  + Failure.shown(known.client().id())
                  + " may not use the service account "
                  + Failure.shown(account)
                  + ": an admin must add it to the client's service_accounts.");
        }
      }
      case Caller.Anonymous _ when open -> {}
      case Caller.Anonymous _, Caller.Keyed _, Caller.Scraper _ ->
          throw new Failure(
              Code.PERMISSION_DENIED,
              "Only authenticated callers may use oidc_token and oauth_token, because"
                  + " CLOUD_TASKS_OPEN_TOKENS is not true.");
    }
  }

  /** The token of a request; null for none. */
  @Nullable Token of(HttpRequest request) {
    if (request.hasOidcToken()) {
      OidcToken said = request.getOidcToken();
      String audience = said.getAudience().isEmpty() ? request.getUrl() : said.getAudience();
      return new Token.Identity(said.getServiceAccountEmail(), audience, issuer);
    }
    if (request.hasOauthToken()) {
      OAuthToken said = request.getOauthToken();
      String scope = said.getScope().isEmpty() ? SCOPE : said.getScope();
      return new Token.Access(said.getServiceAccountEmail(), scope);
    }
    return null;
  }
}
