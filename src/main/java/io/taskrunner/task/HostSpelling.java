package io.taskrunner.task;

import java.util.Locale;

/**
 * The one spelling of a host, so that limits and breakers cannot be passed by writing it otherwise.
 * Urls are sent as they were given.
 */
final class HostSpelling {

  private static final int GROUPS = 8;

  private HostSpelling() {}

  /**
   * A name in lower case without the dot that may end it; an IPv6 address in brackets as RFC 5952
   * writes it; an IPv4 address, also where it is written as IPv6 (RFC 4291 section 2.5.5.2).
   *
   * @param host as {@link TargetUrl#host} is
   */
  static String of(String host) {
    if (host.indexOf(':') < 0) {
      String name = host.toLowerCase(Locale.ROOT);
      return name.endsWith(".") ? name.substring(0, name.length() - 1) : name;
    }
    int[] groups = groups(host);
    return isIpv4(groups) ? ipv4(groups[6], groups[7]) : "[" + ipv6(groups) + "]";
  }

  /** The groups of an address that was checked before. */
  private static int[] groups(String address) {
    int[] groups = new int[GROUPS];
    int gap = address.indexOf("::");
    if (gap < 0) {
      put(address, groups, 0);
      return groups;
    }
    put(address.substring(0, gap), groups, 0);
    String tail = address.substring(gap + 2);
    put(tail, groups, GROUPS - count(tail));
    return groups;
  }

  private static int count(String part) {
    int groups = part.isEmpty() ? 0 : part.split(":", -1).length;
    return part.indexOf('.') < 0 ? groups : groups + 1;
  }

  private static void put(String part, int[] groups, int at) {
    if (part.isEmpty()) {
      return;
    }
    for (String group : part.split(":", -1)) {
      if (group.indexOf('.') >= 0) {
        String[] octets = group.split("\\.", -1);
        groups[at++] = Integer.parseInt(octets[0]) << 8 | Integer.parseInt(octets[1]);
        groups[at++] = Integer.parseInt(octets[2]) << 8 | Integer.parseInt(octets[3]);
      } else {
        groups[at++] = Integer.parseInt(group, 16);
      }
    }
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

  /** The longest run of two or more zeros, the first of equal ones, becomes the gap. */
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
