package io.taskrunner.task;

import org.jspecify.annotations.Nullable;

/**
 * The only parser of IP addresses in urls: exactly what it accepts is an address, for the check of
 * a url and for the connection.
 */
final class IpLiteral {

  private IpLiteral() {}

  /** Four decimal octets without leading zeros; null for any other text. */
  static byte @Nullable [] ipv4(String text) {
    byte[] octets = new byte[4];
    int at = 0;
    for (int i = 0; i < 4; i++) {
      int dot = text.indexOf('.', at);
      int end = dot < 0 ? text.length() : dot;
      int octet = octet(text, at, end);
      if (octet < 0 || (dot < 0) != (i == 3)) {
        return null;
      }
      octets[i] = (byte) octet;
      at = end + 1;
    }
    return octets;
  }

  /**
   * RFC 4291 section 2.2, in lower case: eight groups, or fewer with one gap; the last two may be
   * an IPv4 address. No zone. Null for any other text.
   */
  static byte @Nullable [] ipv6(String text) {
    byte[] bytes = new byte[16];
    int length = 0;
    int gap = text.startsWith("::") ? 0 : -1;
    int at = gap < 0 ? 0 : 2;
    while (at < text.length()) {
      int colon = text.indexOf(':', at);
      int end = colon < 0 ? text.length() : colon;
      if (colon < 0 && text.indexOf('.', at) >= 0) {
        byte[] four = ipv4(text.substring(at));
        if (four == null || length > 12) {
          return null;
        }
        System.arraycopy(four, 0, bytes, length, 4);
        length += 4;
      } else {
        int group = group(text, at, end);
        if (group < 0 || length == 16) {
          return null;
        }
        bytes[length++] = (byte) (group >> 8);
        bytes[length++] = (byte) group;
      }
      at = end + 1;
      if (colon >= 0 && at == text.length()) {
        return null; // it ends in one colon
      }
      if (colon >= 0 && text.charAt(at) == ':') {
        if (gap >= 0) {
          return null;
        }
        gap = length;
        at++;
      }
    }
    if (gap < 0) {
      return length == 16 ? bytes : null;
    }
    return length == 16 ? null : widened(bytes, gap, length);
  }

  private static byte[] widened(byte[] bytes, int gap, int length) {
    byte[] wide = new byte[16];
    System.arraycopy(bytes, 0, wide, 0, gap);
    System.arraycopy(bytes, gap, wide, 16 - (length - gap), length - gap);
    return wide;
  }

  private static int octet(String text, int from, int to) {
    if (to == from || to - from > 3 || (to - from > 1 && text.charAt(from) == '0')) {
      return -1;
    }
    int octet = 0;
    for (int i = from; i < to; i++) {
      char c = text.charAt(i);
      if (c < '0' || c > '9') {
        return -1;
      }
      octet = octet * 10 + c - '0';
    }
    return octet <= 255 ? octet : -1;
  }

  private static int group(String text, int from, int to) {
    if (to == from || to - from > 4) {
      return -1;
    }
    int group = 0;
    for (int i = from; i < to; i++) {
      char c = text.charAt(i);
      boolean digit = c >= '0' && c <= '9';
      if (!digit && (c < 'a' || c > 'f')) {
        return -1;
      }
      group = group * 16 + (digit ? c - '0' : c - 'a' + 10);
    }
    return group;
  }
}
