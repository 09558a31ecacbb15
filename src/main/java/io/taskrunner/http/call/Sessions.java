package io.taskrunner.http.call;

import com.linecorp.armeria.common.RequestHeaders;
import io.netty.util.AsciiString;
import io.taskrunner.client.AdminKey;
import io.taskrunner.client.ApiKey;
import io.taskrunner.config.Secret;
import io.taskrunner.store.AdminKeyStore;
import io.taskrunner.store.ClientStore;
import io.taskrunner.store.ClientStore.KeyOwner;
import io.taskrunner.store.SessionStore;
import io.taskrunner.store.SessionStore.Holder;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Optional;
import java.util.function.Function;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Sessions of the dashboard. A cookie represents a key, which is looked up at each call like a key
 * in a header: when the key is revoked, its sessions end.
 *
 * <p>The cookie is accepted only with the header {@code X-Dashboard: 1}: neither a form nor a page
 * of another origin can send it (against CSRF). The store has the SHA-256 of the cookie, and no
 * key: a named key by its digest, and {@code ADMIN_API_KEY} by an HMAC with the cookie as its key,
 * so that stored data cannot be used to guess it.
 */
public final class Sessions {

  private static final AsciiString DASHBOARD = AsciiString.cached("x-dashboard");
  private static final AsciiString SEC_FETCH_SITE = AsciiString.cached("sec-fetch-site");
  private static final int COOKIE_BYTES = 32;
  private static final String HMAC = "HmacSHA256";

  private final SessionStore store;
  private final SessionCookie cookie;
  private final Optional<Secret> adminKey;
  private final ClientStore clients;
  private final AdminKeyStore adminKeys;
  private final SecureRandom random = new SecureRandom();

  /** Over the stores of sessions and keys. */
  public Sessions(
      SessionStore store,
      SessionCookie cookie,
      Optional<Secret> adminKey,
      ClientStore clients,
      AdminKeyStore adminKeys) {
    this.store = store;
    this.cookie = cookie;
    this.adminKey = adminKey;
    this.clients = clients;
    this.adminKeys = adminKeys;
  }

  /** Whether a call was made by the dashboard. */
  static boolean isDashboard(RequestHeaders headers) {
    return "1".equals(headers.get(DASHBOARD));
  }

  /**
   * The cookie of a call; empty for none.
   *
   * @throws Refusal 403: a page of another origin sent it
   */
  Optional<String> shown(RequestHeaders headers) {
    Optional<String> value = isDashboard(headers) ? cookie.in(headers) : Optional.empty();
    String site = headers.get(SEC_FETCH_SITE);
    if (value.isPresent() && site != null && !site.equalsIgnoreCase("same-origin")) {
      throw new Refusal(Problem.crossOrigin("Sec-Fetch-Site: " + Shown.of(site)));
    }
    return value;
  }

  /** The caller of a cookie, from cached data; empty when it must be looked up. Never blocks. */
  Optional<Caller> known(String value) {
    return store
        .known(ApiKey.digest(value))
        .flatMap(holder -> caller(holder, value, adminKeys::known, clients::knownKeyOwner));
  }

  /** The caller of a cookie; empty when the session has ended, or its key is no longer valid. */
  Optional<Caller> lookUp(String value) {
    return store
        .find(ApiKey.digest(value))
        .flatMap(holder -> caller(holder, value, adminKeys::find, clients::keyOwner));
  }

  private Optional<Caller> caller(
      Holder holder,
      String value,
      Function<String, Optional<AdminKey>> admins,
      Function<String, Optional<KeyOwner>> owners) {
    return switch (holder.kind()) {
      case ROOT ->
          adminKey
              .filter(key -> isSame(proof(value, key), holder.key()))
              .map(_ -> new Caller.Admin(AdminKey.ROOT, false));
      case ADMIN ->
          admins.apply(holder.key()).map(key -> new Caller.Admin(key.name(), key.readOnly()));
      case CLIENT -> owners.apply(holder.key()).map(Caller.Keyed::new);
    };
  }

  /**
   * A key that was accepted.
   *
   * @param cookie the header that sets the cookie
   */
  public record Begun(Caller caller, String cookie) {}

  /** Begins a session with a key; empty when the key is invalid. Blocks. */
  public Optional<Begun> begin(String key) {
    byte[] bytes = new byte[COOKIE_BYTES];
    random.nextBytes(bytes);
    String value = Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    Holder holder =
        adminKey
            .filter(root -> root.matches(key))
            .map(root -> new Holder(SessionStore.Kind.ROOT, proof(value, root)))
            .orElseGet(() ->
                new Holder(
                    key.startsWith(AdminKey.PREFIX)
                        ? SessionStore.Kind.ADMIN
                        : SessionStore.Kind.CLIENT,
                    ApiKey.digest(key)));
    Optional<Caller> caller = caller(holder, value, adminKeys::find, clients::keyOwner);
    caller.ifPresent(_ -> store.begin(ApiKey.digest(value), holder));
    return caller.map(known -> new Begun(known, cookie.set(value)));
  }

  /**
   * Ends the session of a call, if it has one. Blocks.
   *
   * @return the header that deletes the cookie
   */
  public String end(RequestHeaders headers) {
    cookie.in(headers).map(ApiKey::digest).ifPresent(store::end);
    return cookie.cleared();
  }

  /** The header that deletes the cookie of a call that has one. */
  public Optional<String> cleared(RequestHeaders headers) {
    return cookie.in(headers).map(_ -> cookie.cleared());
  }

  /** Whether a call is authenticated by a cookie, and not by a key in a header. */
  public static boolean isOf(RequestHeaders headers) {
    return isDashboard(headers) && !Credentials.isIn(headers);
  }

  private static String proof(String cookie, Secret adminKey) {
    try {
      Mac mac = Mac.getInstance(HMAC);
      mac.init(new SecretKeySpec(cookie.getBytes(StandardCharsets.UTF_8), HMAC));
      return HexFormat.of()
          .formatHex(mac.doFinal(adminKey.value().getBytes(StandardCharsets.UTF_8)));
    } catch (GeneralSecurityException everyJdkHasIt) {
      throw new IllegalStateException(everyJdkHasIt);
    }
  }

  private static boolean isSame(String one, String other) {
    return MessageDigest.isEqual(
        one.getBytes(StandardCharsets.UTF_8), other.getBytes(StandardCharsets.UTF_8));
  }
}
