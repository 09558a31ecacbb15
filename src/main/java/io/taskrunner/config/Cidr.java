package io.taskrunner.config;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.Optional;

/** A block of IPv4 or IPv6 addresses, such as {@code 10.0.0.0/8}. */
public final class Cidr {

  private final byte[] network;
  private final int prefix;

  private Cidr(byte[] network, int prefix) {
    this.network = network;
    this.prefix = prefix;
  }

  /**
   * Parses {@code address/prefix}, or an address as the block of only itself. Bits after the prefix
   * must be zero, so that a typo does not allow more than was intended.
   *
   * @return empty if it is not a block
   */
  public static Optional<Cidr> parse(String text) {
    int slash = text.indexOf('/');
    String address = slash < 0 ? text : text.substring(0, slash);
    boolean v6 = address.indexOf(':') >= 0;
    if (address.indexOf('%') >= 0 || !(v6 || address.matches("[0-9]{1,3}(\\.[0-9]{1,3}){3}"))) {
      return Optional.empty();
    }
    byte[] network;
    try {
      network = InetAddress.ofLiteral(address).getAddress();
    } catch (IllegalArgumentException notAnAddress) {
      return Optional.empty();
    }
    int bits = network.length * 8;
    int prefix = bits;
    if (slash >= 0) {
      String given = text.substring(slash + 1);
      if (!given.matches("0|[1-9][0-9]{0,2}")) {
        return Optional.empty();
      }
      prefix = Integer.parseInt(given);
    }
    // A mapped address (::ffff:a.b.c.d) is read as IPv4; an IPv6 prefix length then matches
    // nothing.
    if (prefix > bits || (v6 && bits == 32)) {
      return Optional.empty();
    }
    Cidr block = new Cidr(network, prefix);
    for (int bit = prefix; bit < bits; bit++) {
      if ((network[bit / 8] & (0x80 >>> bit % 8)) != 0) {
        return Optional.empty();
      }
    }
    return Optional.of(block);
  }

  /** True when the address is of this block's family and within it. */
  public boolean contains(InetAddress address) {
    byte[] bytes = address.getAddress();
    if (bytes.length != network.length) {
      return false;
    }
    int whole = prefix / 8;
    if (!Arrays.equals(bytes, 0, whole, network, 0, whole)) {
      return false;
    }
    int rest = prefix % 8;
    return rest == 0 || ((bytes[whole] ^ network[whole]) & (0xff << (8 - rest)) & 0xff) == 0;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Cidr that
        && prefix == that.prefix
        && Arrays.equals(network, that.network);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(network) + prefix;
  }

  @Override
  public String toString() {
    try {
      return InetAddress.getByAddress(network).getHostAddress() + "/" + prefix;
    } catch (UnknownHostException impossible) {
      throw new AssertionError(impossible);
    }
  }
}
