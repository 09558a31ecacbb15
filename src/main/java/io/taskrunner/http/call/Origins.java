package io.taskrunner.http.call;

import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.RequestHeaders;
import io.netty.util.AsciiString;
import java.net.URI;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * Rejects pages of other sites. A browser on this machine reaches a loopback listener for any page
 * that it shows: so there the Host must be one of this machine's names (against DNS rebinding to
 * 127.0.0.1), and calls that change something are never taken from another origin.
 */
public final class Origins {

  private static final AsciiString SEC_FETCH_SITE = AsciiString.cached("sec-fetch-site");

  private static final Set<String> OWN_HOSTS = Set.of("localhost", "127.0.0.1", "[::1]");

  private static final int AUTHORITY_MAX = 512;

  private static final int PORT_DIGITS_MAX = 5;

  private final boolean loopback;
  private final Optional<URI> publicUrl;

  /**
   * For a listener.
   *
   * @param loopback whether it is bound to a loopback address
   * @param publicUrl URL at which callers reach this server
   */
  public Origins(boolean loopback, Optional<URI> publicUrl) {
    this.loopback = loopback;
    this.publicUrl = publicUrl;
  }

  /**
   * Lets a call pass.
   *
   * @throws Refusal 400, 421 or 403
   */
  void check(RequestHeaders headers) {
    String authority = headers.authority();
    if (authority == null || !isAuthority(authority)) {
      throw new Refusal(
          Problem.malformed(
              "Host: "
                  + (authority == null ? "missing" : Shown.of(authority))
                  + " (expected: a name or an address, with or without a port)."));
    }
    if (loopback && !OWN_HOSTS.contains(host(authority))) {
      throw new Refusal(Problem.misdirected(authority));
    }
    if (isSafe(headers.method())) {
      return;
    }
    String site = headers.get(SEC_FETCH_SITE);
    if (site != null
        && (site.equalsIgnoreCase("cross-site") || site.equalsIgnoreCase("same-site"))) {
      throw new Refusal(Problem.crossOrigin("Sec-Fetch-Site: " + Shown.of(site)));
    }
    String origin = headers.get(HttpHeaderNames.ORIGIN);
    if (origin != null && !isOwn(origin, authority)) {
      throw new Refusal(Problem.crossOrigin("Origin: " + Shown.of(origin)));
    }
  }

  private static boolean isSafe(HttpMethod method) {
    return method == HttpMethod.GET
        || method == HttpMethod.HEAD
        || method == HttpMethod.OPTIONS
        || method == HttpMethod.TRACE;
  }

  private boolean isOwn(String origin, String authority) {
    String given = origin.toLowerCase(Locale.ROOT);
    for (String scheme : new String[] {"http", "https"}) {
      if (given.equals(origin(scheme, authority.toLowerCase(Locale.ROOT)))) {
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

  /** The form of RFC 3986, section 3.2, without user information, and with a host. */
  static boolean isAuthority(String text) {
    int port = portAt(text);
    String host = text.substring(0, port);
    boolean address = host.startsWith("[") && host.endsWith("]");
    String name = address ? host.substring(1, host.length() - 1) : host;
    return !name.isEmpty()
        && text.length() <= AUTHORITY_MAX
        && name.chars().allMatch(c -> address ? isOfAddress(c) : isOfName(c))
        && text.substring(port).chars().skip(1).allMatch(Origins::isDigit)
        && text.length() - port <= 1 + PORT_DIGITS_MAX;
  }

  private static boolean isOfAddress(int c) {
    return isDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' || c == '.';
  }

  private static boolean isOfName(int c) {
    return isDigit(c)
        || (c >= 'a' && c <= 'z')
        || (c >= 'A' && c <= 'Z')
        || "-._~%!$&'()*+,;=".indexOf(c) >= 0;
  }

  private static boolean isDigit(int c) {
    return c >= '0' && c <= '9';
  }

  private static String host(String authority) {
    return authority.substring(0, portAt(authority)).toLowerCase(Locale.ROOT);
  }

  /** The position of the colon before a port; the end if there is none. */
  private static int portAt(String authority) {
    int colon = authority.lastIndexOf(':');
    return colon >= 0 && authority.indexOf(']', colon) < 0 ? colon : authority.length();
  }
}
