package io.taskrunner.http.call;

import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.RequestHeaders;
import io.netty.util.AsciiString;
import java.net.URI;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Keeps pages of other sites away. A browser on this machine reaches a loopback listener for any
 * page that it shows: so there the Host must be one of this machine's names (against rebinding a
 * name to 127.0.0.1), and everywhere what changes something is not taken from another origin.
 */
public final class Origins {

  private static final AsciiString SEC_FETCH_SITE = AsciiString.cached("sec-fetch-site");

  private static final Set<String> OWN_HOSTS = Set.of("localhost", "127.0.0.1", "[::1]");

  private final boolean loopback;
  private final Optional<URI> publicUrl;

  /**
   * For a listener.
   *
   * @param loopback whether it is bound to a loopback address
   * @param publicUrl where callers reach this server
   */
  public Origins(boolean loopback, Optional<URI> publicUrl) {
    this.loopback = loopback;
    this.publicUrl = publicUrl;
  }

  /**
   * Lets a call pass.
   *
   * @throws Refusal 421 or 403
   */
  void check(RequestHeaders headers) {
    if (loopback && !OWN_HOSTS.contains(host(headers.authority()))) {
      throw new Refusal(Problem.misdirected());
    }
    if (isSafe(headers.method())) {
      return;
    }
    String site = headers.get(SEC_FETCH_SITE);
    if (site != null
        && (site.equalsIgnoreCase("cross-site") || site.equalsIgnoreCase("same-site"))) {
      throw new Refusal(Problem.crossOrigin());
    }
    String origin = headers.get(HttpHeaderNames.ORIGIN);
    if (origin != null && !isOwn(origin, headers.authority())) {
      throw new Refusal(Problem.crossOrigin());
    }
  }

  private static boolean isSafe(HttpMethod method) {
    return method == HttpMethod.GET
        || method == HttpMethod.HEAD
        || method == HttpMethod.OPTIONS
        || method == HttpMethod.TRACE;
  }

  private boolean isOwn(String origin, @Nullable String authority) {
    String given = origin.toLowerCase(Locale.ROOT);
    for (String scheme : new String[] {"http", "https"}) {
      if (authority != null && given.equals(origin(scheme, authority.toLowerCase(Locale.ROOT)))) {
        return true;
      }
    }
    return publicUrl
        .filter(url -> url.getRawAuthority() != null)
        .map(url -> origin(url.getScheme(), url.getRawAuthority()).toLowerCase(Locale.ROOT))
        .filter(given::equals)
        .isPresent();
  }

  /** As a browser writes it: without the port that the scheme implies. */
  private static String origin(String scheme, String authority) {
    String implied = scheme.equalsIgnoreCase("https") ? ":443" : ":80";
    return scheme
        + "://"
        + (authority.endsWith(implied)
            ? authority.substring(0, authority.length() - implied.length())
            : authority);
  }

  private static String host(@Nullable String authority) {
    if (authority == null) {
      return "";
    }
    int colon = authority.lastIndexOf(':');
    boolean port = colon >= 0 && authority.indexOf(']', colon) < 0;
    return (port ? authority.substring(0, colon) : authority).toLowerCase(Locale.ROOT);
  }
}
