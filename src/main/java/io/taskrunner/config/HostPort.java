package io.taskrunner.config;

import java.net.URI;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The address of a server.
 *
 * @param host a name or an address; IPv6 without brackets
 * @param port 1 to 65535
 */
public record HostPort(String host, int port) {

  private static final Pattern FORM =
      Pattern.compile("(?:\\[([0-9A-Fa-f:.]+)]|([A-Za-z0-9._-]+))(?::([0-9]{0,5}))?");

  /** Parses {@code host}, {@code host:port} or {@code [v6]:port}; empty if it is none of these. */
  public static Optional<HostPort> parse(String text, int defaultPort) {
    Matcher form = FORM.matcher(text);
    if (!form.matches()) {
      return Optional.empty();
    }
    String given = form.group(3);
    int port = given == null || given.isEmpty() ? defaultPort : Integer.parseInt(given);
    String host = form.group(1) == null ? form.group(2) : form.group(1);
    return port < 1 || port > 65_535 ? Optional.empty() : Optional.of(new HostPort(host, port));
  }

  /**
   * The address of a URL. Its host may have an underscore, as in Compose, for which {@link URI}
   * returns no host. Empty without a host, or with an invalid port.
   */
  static Optional<HostPort> of(URI url, int defaultPort) {
    String authority = url.getRawAuthority();
    return authority == null
        ? Optional.empty()
        : parse(authority.substring(authority.lastIndexOf('@') + 1), defaultPort);
  }

  /** The user and password of a URL, still encoded; empty for none. */
  static Optional<String> userInfo(URI url) {
    String authority = url.getRawAuthority();
    int at = authority == null ? -1 : authority.lastIndexOf('@');
    return at < 0 ? Optional.empty() : Optional.of(authority.substring(0, at));
  }

  @Override
  public String toString() {
    return (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + port;
  }
}
