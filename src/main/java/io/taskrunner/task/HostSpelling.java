package io.taskrunner.task;

import java.util.Locale;
import java.util.Objects;

/**
 * The canonical spelling of a host, so that limits and breakers cannot be bypassed by another
 * spelling. Urls are sent as given.
 */
final class HostSpelling {

  private static final int GROUPS = 8;

  private HostSpelling() {}

  /**
   * A name in lower case without a trailing dot; an IPv6 address in brackets as RFC 5952 writes it;
   * an IPv4 address, also where it is written as IPv6 (RFC 4291 section 2.5.5.2).
   *
   * @param host in the form of {@link TargetUrl#host}
   */
  static String of(String host) {
    if (host.indexOf(':') < 0) {
      String name = host.toLowerCase(Locale.ROOT);
      return name.endsWith(".") ? name.substring(0, name.length() - 1) : name;
    }
    int[] groups = groups(host);
    return isIpv4(groups) ? ipv4(groups[6], groups[7]) : "[" + ipv6(groups) + "]";
  }

  /** The groups of a valid address. */
  private static int[] groups(String address) {
    byte[] bytes = Objects.requireNonNull(IpLiteral.ipv6(address), address);
    int[] groups = new int[GROUPS];
    for (int i = 0; i < GROUPS; i++) {
      groups[i] = (bytes[2 * i] & 0xFF) << 8 | bytes[2 * i + 1] & 0xFF;
    }
    return groups;
  }

  private static boolean isIpv4(int[] groups) {
    for (int i = 0; i < 5; i++) {
      if (groups[i] != 0) {
        return false;
      }
    }
    return groups[5] == 0xFFFF;
  }

  private static String ipv4(int high, int low) {
    return (high >> 8) + "." + (high & 0xFF) + "." + (low >> 8) + "." + (low & 0xFF);
  }

  /** The longest run of two or more zeros, the first of equal ones, is compressed. */
  private static String ipv6(int[] groups) {
    int gap = -1;
    int longest = 1;
    for (int from = 0; from < GROUPS; from++) {
      int to = from;
      while (to < GROUPS && groups[to] == 0) {
        to++;
      }
      if (to - from > longest) {
        gap = from;
        longest = to - from;
      }
      from = Math.max(from, to - 1);
    }
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < GROUPS; i++) {
      if (i == gap) {
        text.append("::");
        i += longest - 1;
      } else {
        if (!text.isEmpty() && text.charAt(text.length() - 1) != ':') {
          text.append(':');
        }
        text.append(Integer.toHexString(groups[i]));
      }
    }
    return text.toString();
  }
}
