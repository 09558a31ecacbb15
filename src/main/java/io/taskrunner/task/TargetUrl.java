package io.taskrunner.task;

import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * An address that a task may be sent to, checked strictly, since what one parser reads as a host
 * another may not.
 *
 * @param value as it is stored and sent: scheme and host in lower case, path and query byte for
 *     byte, no fragment
 * @param scheme {@code http} or {@code https}
 * @param host a name, an IPv4 address, or an IPv6 address without its brackets
 * @param port 1 to 65535
 * @param pathAndQuery begins with a slash
 */
public record TargetUrl(String value, String scheme, String host, int port, String pathAndQuery) {

  /** The longest url, in characters. */
  public static final int LENGTH_MAX = 2083;

  private static final Pattern NAME =
      Pattern.compile("(?=.{1,254}$)[a-z0-9_-]{1,63}(\\.[a-z0-9_-]{1,63})*\\.?");
  private static final Pattern NUMBER = Pattern.compile("[0-9]+|0x[0-9a-f]*");
  private static final Pattern OCTETS =
      Pattern.compile("(0|[1-9][0-9]{0,2})(\\.(0|[1-9][0-9]{0,2})){3}");
  private static final Pattern IPV6 = Pattern.compile("[0-9a-f:.]{2,45}");

  /** Either the url or the sentence that says what is wrong with it. */
  public sealed interface Parsed {
    /** A url that may be used. */
    record Good(TargetUrl url) implements Parsed {}

    /** Why not. */
    record Bad(String reason) implements Parsed {}
  }

  /** Reads a url as a caller gave it. */
  public static Parsed parse(String text) {
    if (text.length() > LENGTH_MAX) {
      return bad("is longer than " + LENGTH_MAX + " characters");
    }
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c <= ' '
          || c == '\\'
          || c == 0x7F
          || (c >= 0x80 && (Character.isISOControl(c) || Character.isWhitespace(c)))) {
        return bad("has a space, control character or backslash at position " + i);
      }
      if (c > 0x7E) {
        return bad("has a character outside ASCII at position " + i + " (percent-encode it)");
      }
    }
    String lower = text.toLowerCase(Locale.ROOT);
    String scheme;
    if (lower.startsWith("https://")) {
      scheme = "https";
    } else if (lower.startsWith("http://")) {
      scheme = "http";
    } else {
      return bad("must begin with http:// or https://");
    }
    int start = scheme.length() + 3;
    int end = start;
    while (end < text.length() && "/?#".indexOf(text.charAt(end)) < 0) {
      end++;
    }
    String authority = lower.substring(start, end);
    if (authority.indexOf('@') >= 0) {
      return bad("must not carry user information");
    }
    return authority(authority, scheme, rest(text, end));
  }

  private static Parsed authority(String authority, String scheme, String pathAndQuery) {
    String host;
    String portText;
    if (authority.startsWith("[")) {
      int close = authority.indexOf(']');
      if (close < 0) {
        return bad("has an IPv6 address without its closing bracket");
      }
      host = authority.substring(1, close);
      portText = authority.substring(close + 1);
      if (!isIpv6(host)) {
        return bad("has a host that is no IPv6 address");
      }
    } else {
      int colon = authority.indexOf(':');
      host = colon < 0 ? authority : authority.substring(0, colon);
      portText = colon < 0 ? "" : authority.substring(colon);
      Optional<String> fault = hostFault(host);
      if (fault.isPresent()) {
        return bad(fault.get());
      }
    }
    int port = scheme.equals("https") ? 443 : 80;
    if (!portText.isEmpty()) {
      if (!portText.matches(":[0-9]{1,5}")) {
        return bad("has a port that is no number from 1 to 65535");
      }
      port = Integer.parseInt(portText.substring(1));
      if (port < 1 || port > 65535) {
        return bad("has a port that is no number from 1 to 65535");
      }
    }
    return new Parsed.Good(
        new TargetUrl(scheme + "://" + authority + pathAndQuery, scheme, host, port, pathAndQuery));
  }

  private static Optional<String> hostFault(String host) {
    if (host.isEmpty()) {
      return Optional.of("has no host");
    }
    if (!NAME.matcher(host).matches()) {
      return Optional.of(
          "has a host that is neither a name of letters, digits, -, _ and dots nor an IP address");
    }
    String bare = host.endsWith(".") ? host.substring(0, host.length() - 1) : host;
    String last = bare.substring(bare.lastIndexOf('.') + 1);
    if (NUMBER.matcher(last).matches() && !(bare.equals(host) && isIpv4(host))) {
      return Optional.of(
          "has a host that ends in a number but is no IPv4 address of four decimal octets");
    }
    return Optional.empty();
  }

  private static boolean isIpv4(String host) {
    if (!OCTETS.matcher(host).matches()) {
      return false;
    }
    for (String octet : host.split("\\.", -1)) {
      if (Integer.parseInt(octet) > 255) {
        return false;
      }
    }
    return true;
  }

  private static boolean isIpv6(String host) {
    if (!IPV6.matcher(host).matches() || host.indexOf(':') < 0) {
      return false;
    }
    int gap = host.indexOf("::");
    if (gap >= 0 && host.indexOf("::", gap + 1) >= 0) {
      return false;
    }
    if ((host.startsWith(":") && gap != 0) || (host.endsWith(":") && gap != host.length() - 2)) {
      return false;
    }
    int groups = 0;
    String[] parts = host.split(":");
    for (int i = 0; i < parts.length; i++) {
      String part = parts[i];
      if (part.isEmpty()) {
        continue;
      }
      if (part.indexOf('.') >= 0) {
        if (i != parts.length - 1 || host.endsWith(":") || !isIpv4(part)) {
          return false;
        }
        groups += 2;
      } else {
        if (part.length() > 4) {
          return false;
        }
        groups++;
      }
    }
    return gap >= 0 ? groups <= 7 : groups == 8;
  }

  private static String rest(String text, int from) {
    int fragment = text.indexOf('#', from);
    String rest = text.substring(from, fragment < 0 ? text.length() : fragment);
    return rest.startsWith("/") ? rest : "/" + rest;
  }

  private static Parsed bad(String reason) {
    return new Parsed.Bad(reason);
  }

  /**
   * Host and port in one word, as breakers and metrics name them, such as {@code
   * api.example.com:443}.
   */
  public String hostAndPort() {
    return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
  }

  @Override
  public String toString() {
    return value;
  }
}
