package io.taskrunner.task;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The url of a target, validated strictly, because parsers disagree about what a host is.
 *
 * @param value the stored and sent form: scheme and host in lower case, path and query byte for
 *     byte, no fragment
 * @param scheme {@code http} or {@code https}
 * @param host a name in ASCII, an IPv4 address, or an IPv6 address without its brackets
 * @param port 1 to 65535
 * @param pathAndQuery begins with a slash
 */
public record TargetUrl(String value, String scheme, String host, int port, String pathAndQuery) {

  /** The longest url, in characters. */
  public static final int LENGTH_MAX = 2083;

  private static final int NAME_MAX = 253;

  private static final int LABEL_MAX = 63;

  /** Either the url or a sentence about its error. */
  public sealed interface Parsed {
    /** A valid url. */
    record Good(TargetUrl url) implements Parsed {}

    /** The error. */
    record Bad(String reason) implements Parsed {}
  }

  /** Parses a url given by a caller. */
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
    }
    String scheme;
    String beginning = lowerCase(text.substring(0, Math.min(8, text.length())));
    if (beginning.equals("https://")) {
      scheme = "https";
    } else if (beginning.startsWith("http://")) {
      scheme = "http";
    } else {
      return bad("must begin with http:// or https://");
    }
    int start = scheme.length() + 3;
    int end = start;
    while (end < text.length() && "/?#".indexOf(text.charAt(end)) < 0) {
      end++;
    }
    for (int i = end; i < text.length(); i++) {
      if (text.charAt(i) > 0x7E) {
        return bad("has a character outside ASCII at position " + i + " (percent-encode it)");
      }
    }
    String authority = lowerCase(text.substring(start, end));
    if (authority.indexOf('@') >= 0) {
      return bad("must not contain a user name or password");
    }
    return authority(authority, scheme, rest(text, end));
  }

  /**
   * The key of a host's limits, in the canonical spelling of {@link HostSpelling}, with its port if
   * given.
   *
   * @param text such as {@code api.example.com}, {@code 10.0.0.1:8080} or {@code [::1]}
   * @return empty when it is not a valid host
   */
  public static Optional<String> hostOf(String text) {
    if (text.isEmpty() || text.matches(".*[/?#].*")) {
      return Optional.empty();
    }
    return parse("http://" + text) instanceof Parsed.Good(TargetUrl url)
        ? Optional.of(text.matches(".*:[0-9]+") ? url.hostAndPort() : url.hostName())
        : Optional.empty();
  }

  private static Parsed authority(String authority, String scheme, String pathAndQuery) {
    String host;
    String portText;
    boolean brackets = authority.startsWith("[");
    if (brackets) {
      int close = authority.indexOf(']');
      if (close < 0) {
        return bad("has an IPv6 address without its closing bracket");
      }
      host = authority.substring(1, close);
      portText = authority.substring(close + 1);
      if (IpLiteral.ipv6(host) == null) {
        return bad("has a host in brackets that is not an IPv6 address");
      }
    } else {
      int colon = authority.indexOf(':');
      String given = colon < 0 ? authority : authority.substring(0, colon);
      portText = colon < 0 ? "" : authority.substring(colon);
      Optional<String> ascii = Idn.toAscii(given);
      if (ascii.isEmpty()) {
        return bad("has a host that cannot be converted to ASCII (write it as xn--…)");
      }
      host = ascii.get();
      String fault = hostFault(host);
      if (fault != null) {
        return bad(fault);
      }
    }
    if (portText.equals(":")) {
      portText = ""; // RFC 3986 §3.2.3: as if there were no colon
    }
    int port = scheme.equals("https") ? 443 : 80;
    if (!portText.isEmpty()) {
      port = port(portText);
      if (port < 0) {
        return bad("has an invalid port (expected: 1 to 65535)");
      }
    }
    String value = scheme + "://" + (brackets ? "[" + host + "]" : host) + portText + pathAndQuery;
    return value.length() > LENGTH_MAX
        ? bad("is longer than " + LENGTH_MAX + " characters with its host in ASCII")
        : new Parsed.Good(new TargetUrl(value, scheme, host, port, pathAndQuery));
  }

  /** In lower case where it is ASCII; {@link Idn} handles the rest. */
  private static String lowerCase(String text) {
    StringBuilder lower = new StringBuilder(text);
    for (int i = 0; i < lower.length(); i++) {
      char c = lower.charAt(i);
      if (c >= 'A' && c <= 'Z') {
        lower.setCharAt(i, (char) (c + 'a' - 'A'));
      }
    }
    return lower.toString();
  }

  /** The port in a colon and up to five digits; -1 when invalid. */
  private static int port(String text) {
    if (text.charAt(0) != ':' || text.length() < 2 || text.length() > 6) {
      return -1;
    }
    int port = 0;
    for (int i = 1; i < text.length(); i++) {
      if (!isDigit(text.charAt(i))) {
        return -1;
      }
      port = port * 10 + text.charAt(i) - '0';
    }
    return port >= 1 && port <= 65535 ? port : -1;
  }

  private static @Nullable String hostFault(String host) {
    if (host.isEmpty()) {
      return "has no host";
    }
    boolean trailingDot = host.endsWith(".");
    String bare = trailingDot ? host.substring(0, host.length() - 1) : host;
    if (!isName(bare)) {
      return "has a host that is neither an IP address nor a name of letters, digits, -, _ and dots";
    }
    String last = bare.substring(bare.lastIndexOf('.') + 1);
    if (isNumber(last) && (trailingDot || IpLiteral.ipv4(host) == null)) {
      return "has a host that ends in a number but is not an IPv4 address of four decimal numbers";
    }
    return null;
  }

  /** Whether a name consists of labels of 1 to 63 allowed characters, separated by dots. */
  private static boolean isName(String host) {
    if (host.length() > NAME_MAX) {
      return false;
    }
    int label = 0;
    for (int i = 0; i < host.length(); i++) {
      char c = host.charAt(i);
      if (c == '.') {
        if (label == 0) {
          return false;
        }
        label = 0;
      } else if (!isNameCharacter(c) || ++label > LABEL_MAX) {
        return false;
      }
    }
    return label > 0;
  }

  private static boolean isNameCharacter(char c) {
    return (c >= 'a' && c <= 'z') || isDigit(c) || c == '-' || c == '_';
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  private static boolean isHexDigit(char c) {
    return isDigit(c) || (c >= 'a' && c <= 'f');
  }

  /**
   * Whether a label is one that some parsers read as a part of an IPv4 address: decimal, or
   * hexadecimal after 0x.
   */
  private static boolean isNumber(String label) {
    boolean hex = label.startsWith("0x");
    for (int i = hex ? 2 : 0; i < label.length(); i++) {
      if (hex ? !isHexDigit(label.charAt(i)) : !isDigit(label.charAt(i))) {
        return false;
      }
    }
    return true;
  }

  private static String rest(String text, int from) {
    int fragment = text.indexOf('#', from);
    String rest = text.substring(from, fragment < 0 ? text.length() : fragment);
    return rest.startsWith("/") ? rest : "/" + rest;
  }

  private static Parsed bad(String reason) {
    return new Parsed.Bad(reason);
  }

  /** The IP address of the host; empty when it is a name. */
  public Optional<InetAddress> address() {
    byte[] bytes = host.indexOf(':') >= 0 ? IpLiteral.ipv6(host) : IpLiteral.ipv4(host);
    try {
      return bytes == null ? Optional.empty() : Optional.of(InetAddress.getByAddress(bytes));
    } catch (UnknownHostException neverOfFourOrSixteenBytes) {
      throw new IllegalStateException(neverOfFourOrSixteenBytes);
    }
  }

  /** Without the query, which may hold secrets. */
  public String withoutQuery() {
    int query = value.indexOf('?');
    return query < 0 ? value : value.substring(0, query);
  }

  /** The host in the canonical spelling of {@link HostSpelling}. */
  public String hostName() {
    return HostSpelling.of(host);
  }

  /**
   * Host and port as used by limits, breakers and metrics, such as {@code api.example.com:443}: the
   * same for all spellings of a host.
   */
  public String hostAndPort() {
    return hostName() + ":" + port;
  }

  @Override
  public String toString() {
    return value;
  }
}
