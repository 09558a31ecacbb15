package io.taskrunner.dispatch;

import io.taskrunner.config.Cidr;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * SSRF protection: checks the resolved IP address at connect time.
 *
 * <p>An IPv6 address that embeds an IPv4 address is checked as both, because a translator on the
 * path delivers to the inner one. It is rejected when either is. {@code DENIED_CIDRS} wins over
 * {@code ALLOWED_CIDRS}, which wins over everything built in. {@code ALLOW_PRIVATE_URLS} allows
 * private addresses, but neither link-local addresses nor the metadata services of clouds, which
 * return credentials.
 *
 * <p>The built-in ranges follow the IANA special-purpose registries (RFC 6890 and its updates); of
 * IPv6 nothing outside 2000::/3 is reachable except addresses that embed an IPv4 address.
 */
public final class AddressGuard {

  /** Why an address is rejected. */
  private enum Kind {
    LOOPBACK("a loopback address", true),
    PRIVATE("a private address", true),
    SHARED("a shared address (carrier-grade NAT)", true),
    BENCHMARK("an address for benchmarks", true),
    DOCUMENTATION("an address for documentation", true),
    LINK_LOCAL("a link-local address", false),
    METADATA("a cloud's metadata service", false),
    MULTICAST("a multicast address", false),
    RESERVED("a reserved address", false);

    final String words;
    final boolean openedByAllowPrivate;

    Kind(String words, boolean openedByAllowPrivate) {
      this.words = words;
      this.openedByAllowPrivate = openedByAllowPrivate;
    }
  }

  private record Range(Cidr cidr, Kind kind) {}

  private static final List<Range> IPV4 =
      List.of(
          range("168.63.129.16/32", Kind.METADATA), // Azure
          range("100.100.100.200/32", Kind.METADATA), // Alibaba Cloud
          range("192.0.0.192/32", Kind.METADATA), // Oracle Cloud
          range("127.0.0.0/8", Kind.LOOPBACK),
          range("0.0.0.0/8", Kind.LOOPBACK), // "this host": Linux connects 0.0.0.0 to itself
          range("10.0.0.0/8", Kind.PRIVATE),
          range("172.16.0.0/12", Kind.PRIVATE),
          range("192.168.0.0/16", Kind.PRIVATE),
          range("169.254.0.0/16", Kind.LINK_LOCAL), // most clouds' metadata too
          range("100.64.0.0/10", Kind.SHARED),
          range("198.18.0.0/15", Kind.BENCHMARK),
          range("192.0.2.0/24", Kind.DOCUMENTATION),
          range("198.51.100.0/24", Kind.DOCUMENTATION),
          range("203.0.113.0/24", Kind.DOCUMENTATION),
          range("192.0.0.0/24", Kind.RESERVED),
          range("192.88.99.0/24", Kind.RESERVED), // relays of 6to4
          range("224.0.0.0/4", Kind.MULTICAST),
          range("240.0.0.0/4", Kind.RESERVED));

  private static final List<Range> IPV6 =
      List.of(
          range("fd00:ec2::/32", Kind.METADATA), // AWS, its pods' identities too
          range("fd20:ce::254/128", Kind.METADATA), // Google Cloud
          range("fd00:42::42/128", Kind.METADATA), // Scaleway
          range("fd00:c1::a9fe:a9fe/128", Kind.METADATA), // Oracle Cloud
          range("fd00:a9fe:a9fe::1/128", Kind.METADATA), // Akamai (Linode)
          range("fd00:100::100:200/128", Kind.METADATA), // Alibaba Cloud
          range("::1/128", Kind.LOOPBACK),
          range("::/128", Kind.LOOPBACK),
          range("fe80::/10", Kind.LINK_LOCAL),
          range("fc00::/7", Kind.PRIVATE),
          range("fec0::/10", Kind.PRIVATE), // site-local, of old
          range("64:ff9b:1::/48", Kind.PRIVATE), // NAT64 of a local network
          range("ff00::/8", Kind.MULTICAST),
          range("2001:2::/48", Kind.BENCHMARK),
          range("2001:db8::/32", Kind.DOCUMENTATION),
          range("3fff::/20", Kind.DOCUMENTATION));

  private static final Cidr GLOBAL_UNICAST = block("2000::/3");
  private static final Cidr IETF_PROTOCOLS = block("2001::/23");

  private static final Cidr UNSPECIFIED = block("::/128");
  private static final Cidr LOOPBACK = block("::1/128");
  private static final Cidr COMPATIBLE = block("::/96");
  private static final Cidr TRANSLATED = block("::ffff:0:0:0/96");
  private static final Cidr NAT64 = block("64:ff9b::/96");
  private static final Cidr NAT64_LOCAL = block("64:ff9b:1::/48");
  private static final Cidr SIX_TO_FOUR = block("2002::/16");
  private static final Cidr TEREDO = block("2001::/32");

  private final boolean allowPrivate;
  private final List<Cidr> allowed;
  private final List<Cidr> denied;

  /** A guard with the operator's settings. */
  public AddressGuard(boolean allowPrivate, List<Cidr> allowed, List<Cidr> denied) {
    this.allowPrivate = allowPrivate;
    this.allowed = List.copyOf(allowed);
    this.denied = List.copyOf(denied);
  }

  /** Why an address must not be connected to, in a few words; empty when it may. */
  public Optional<String> refusal(InetAddress address) {
    if (address instanceof Inet6Address scoped
        && (scoped.getScopeId() != 0 || scoped.getScopedInterface() != null)) {
      return Optional.of("an address with a zone");
    }
    boolean six = address instanceof Inet6Address;
    List<InetAddress> translated = six ? translated(address) : List.of();
    List<InetAddress> inner = six ? withIsatap(address, translated) : List.of();
    if (in(denied, address) || inner.stream().anyMatch(face -> in(denied, face))) {
      return Optional.of("in DENIED_CIDRS");
    }
    if (in(allowed, address)) {
      return Optional.empty();
    }
    Optional<String> refusal = six ? judge6(address, !translated.isEmpty()) : judge(IPV4, address);
    boolean local = NAT64_LOCAL.contains(address);
    for (InetAddress face : inner) {
      if (refusal.isPresent()) {
        break;
      }
      // The position of the IPv4 address in a local NAT64 prefix is unknown: at each position only
      // the ranges that are never allowed count.
      refusal =
          local ? in(allowed, face) ? Optional.empty() : judgeNeverOpen(face) : judgeCarried(face);
    }
    return refusal;
  }

  private Optional<String> judgeCarried(InetAddress face) {
    if (in(allowed, face)) {
      return Optional.empty();
    }
    return judge(IPV4, face).map(words -> "an IPv6 form of " + words);
  }

  private Optional<String> judge6(InetAddress address, boolean isTranslated) {
    Optional<String> special = judge(IPV6, address);
    if (special.isPresent() || isTranslated || isOpenPrivate(address)) {
      return special;
    }
    if (!GLOBAL_UNICAST.contains(address) || IETF_PROTOCOLS.contains(address)) {
      return Optional.of(Kind.RESERVED.words);
    }
    return Optional.empty();
  }

  private boolean isOpenPrivate(InetAddress address) {
    return allowPrivate && IPV6.stream().anyMatch(range -> range.cidr.contains(address));
  }

  private Optional<String> judge(List<Range> ranges, InetAddress address) {
    for (Range range : ranges) {
      if (range.cidr.contains(address)) {
        return allowPrivate && range.kind.openedByAllowPrivate
            ? Optional.empty()
            : Optional.of(range.kind.words);
      }
    }
    return Optional.empty();
  }

  private static Optional<String> judgeNeverOpen(InetAddress address) {
    for (Range range : IPV4) {
      if (range.cidr.contains(address)) {
        boolean credentials = range.kind == Kind.LINK_LOCAL || range.kind == Kind.METADATA;
        return credentials ? Optional.of("an IPv6 form of " + range.kind.words) : Optional.empty();
      }
    }
    return Optional.empty();
  }

  /** The forms of an IPv6 address, including the one in its last 8 bytes (RFC 5214 §6.1). */
  private static List<InetAddress> withIsatap(InetAddress address, List<InetAddress> translated) {
    byte[] b = address.getAddress();
    // Two bits of byte 8 encode whether the IPv4 address is unique, and whether it is a group.
    boolean isatap = (b[8] & 0xFC) == 0 && b[9] == 0 && b[10] == 0x5E && b[11] == (byte) 0xFE;
    if (!isatap) {
      return translated;
    }
    List<InetAddress> faces = new ArrayList<>(translated);
    faces.add(four(b[12], b[13], b[14], b[15]));
    return faces;
  }

  /**
   * The IPv4 addresses to which the prefix of an IPv6 address is translated. The mapped form does
   * not occur here: the JDK converts it to IPv4.
   */
  private static List<InetAddress> translated(InetAddress address) {
    byte[] b = address.getAddress();
    boolean plain =
        COMPATIBLE.contains(address)
            && !UNSPECIFIED.contains(address)
            && !LOOPBACK.contains(address);
    if (plain || TRANSLATED.contains(address) || NAT64.contains(address)) {
      return List.of(four(b[12], b[13], b[14], b[15]));
    }
    if (NAT64_LOCAL.contains(address)) {
      // RFC 6052 §2.2: prefixes of 48, 56, 64 and 96 bits; byte 8 is skipped.
      return List.of(
          four(b[6], b[7], b[9], b[10]),
          four(b[7], b[9], b[10], b[11]),
          four(b[9], b[10], b[11], b[12]),
          four(b[12], b[13], b[14], b[15]));
    }
    if (SIX_TO_FOUR.contains(address)) {
      return List.of(four(b[2], b[3], b[4], b[5]));
    }
    if (TEREDO.contains(address)) { // RFC 4380 §4: the server, and the client with its bits turned
      return List.of(four(b[4], b[5], b[6], b[7]), four(~b[12], ~b[13], ~b[14], ~b[15]));
    }
    return List.of();
  }

  private static InetAddress four(int first, int second, int third, int fourth) {
    try {
      return InetAddress.getByAddress(
          new byte[] {(byte) first, (byte) second, (byte) third, (byte) fourth});
    } catch (UnknownHostException neverOfFourBytes) {
      throw new IllegalStateException(neverOfFourBytes);
    }
  }

  private static boolean in(List<Cidr> cidrs, InetAddress address) {
    for (Cidr cidr : cidrs) {
      if (cidr.contains(address)) {
        return true;
      }
    }
    return false;
  }

  private static Range range(String cidr, Kind kind) {
    return new Range(block(cidr), kind);
  }

  private static Cidr block(String cidr) {
    return Cidr.parse(cidr)
        .orElseThrow(
            () -> new IllegalArgumentException(cidr + " (expected: a block of addresses)"));
  }
}
