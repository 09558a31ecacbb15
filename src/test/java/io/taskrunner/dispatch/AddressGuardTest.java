package io.taskrunner.dispatch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.config.Cidr;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class AddressGuardTest {

  private static final AddressGuard GUARD = guard(false, "", "");

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          127.0.0.1          | a loopback address
          127.255.255.255    | a loopback address
          0.0.0.0            | a loopback address
          0.1.2.3            | a loopback address
          10.0.0.0           | a private address
          10.255.255.255     | a private address
          172.16.0.0         | a private address
          172.31.255.255     | a private address
          192.168.0.1        | a private address
          192.168.255.255    | a private address
          100.64.0.0         | a shared address (carrier-grade NAT)
          100.127.255.255    | a shared address (carrier-grade NAT)
          169.254.0.0        | a link-local address
          169.254.169.254    | a link-local address
          169.254.170.2      | a link-local address
          169.254.255.255    | a link-local address
          100.100.100.200    | a cloud's metadata service
          168.63.129.16      | a cloud's metadata service
          192.0.0.192        | a cloud's metadata service
          192.0.0.1          | a reserved address
          192.0.2.1          | an address for documentation
          198.51.100.77      | an address for documentation
          203.0.113.255      | an address for documentation
          198.18.0.0         | an address for benchmarks
          198.19.255.255     | an address for benchmarks
          192.88.99.1        | a reserved address
          224.0.0.1          | a multicast address
          239.255.255.255    | a multicast address
          240.0.0.1          | a reserved address
          255.255.255.255    | a reserved address
          ::1                | a loopback address
          ::                 | a loopback address
          fe80::1            | a link-local address
          febf::1            | a link-local address
          fc00::1            | a private address
          fd12:3456:789a::1  | a private address
          fdff:ffff::1       | a private address
          fec0::1            | a private address
          feff::1            | a private address
          fd00:ec2::254      | a cloud's metadata service
          fd20:ce::254       | a cloud's metadata service
          fd00:42::42        | a cloud's metadata service
          fd00:c1::a9fe:a9fe | a cloud's metadata service
          fd00:a9fe:a9fe::1  | a cloud's metadata service
          fd00:100::100:200  | a cloud's metadata service
          2a00:1450::5efe:10.0.0.1 | an IPv6 form of a private address
          2a00:1450::200:5efe:127.0.0.1 | an IPv6 form of a loopback address
          2a00:1450::300:5efe:a9fe:a9fe | an IPv6 form of a link-local address
          2002:808:808::5efe:10.0.0.1 | an IPv6 form of a private address
          4000::5efe:8.8.8.8 | a reserved address
          ff02::1            | a multicast address
          ff0e::1            | a multicast address
          2001:db8::1        | an address for documentation
          3fff::1            | an address for documentation
          2001:2::1          | an address for benchmarks
          2001:10::1         | a reserved address
          2001:20::1         | a reserved address
          2001:1ff::1        | a reserved address
          100::1             | a reserved address
          5f00::1            | a reserved address
          4000::1            | a reserved address
          ::ffff:127.0.0.1   | a loopback address
          ::ffff:10.1.2.3    | a private address
          ::ffff:169.254.169.254 | a link-local address
          ::ffff:a9fe:a9fe   | a link-local address
          ::ffff:0.0.0.0     | a loopback address
          ::ffff:100.64.1.1  | a shared address (carrier-grade NAT)
          ::127.0.0.1        | an IPv6 form of a loopback address
          ::2                | an IPv6 form of a loopback address
          ::10.0.0.1         | an IPv6 form of a private address
          ::a9fe:a9fe        | an IPv6 form of a link-local address
          ::ffff:0:127.0.0.1 | an IPv6 form of a loopback address
          ::ffff:0:c0a8:101  | an IPv6 form of a private address
          64:ff9b::127.0.0.1 | an IPv6 form of a loopback address
          64:ff9b::10.9.8.7  | an IPv6 form of a private address
          64:ff9b::a9fe:a9fe | an IPv6 form of a link-local address
          64:ff9b::168.63.129.16 | an IPv6 form of a cloud's metadata service
          64:ff9b:1::8.8.8.8 | a private address
          64:ff9b:1:ffff::1  | a private address
          64:ff9b:2::1       | a reserved address
          2002:7f00:1::      | an IPv6 form of a loopback address
          2002:a00:1::1      | an IPv6 form of a private address
          2002:c0a8:101::1   | an IPv6 form of a private address
          2002:a9fe:a9fe::   | an IPv6 form of a link-local address
          2002:e000:1::      | an IPv6 form of a multicast address
          2001:0:7f00:1::f7f7:f7f7 | an IPv6 form of a loopback address
          2001:0:808:808::80ff:fffe | an IPv6 form of a loopback address
          2001:0:808:808::f5ff:fffe | an IPv6 form of a private address
          2001:0:808:808:0:0:5601:5601 | an IPv6 form of a link-local address
          2001:0:a00:1:0:0:f7f7:f7f7 | an IPv6 form of a private address
          """)
  void insideAddressesAreRefusedInEveryForm(String address, String why) {
    assertEquals(Optional.of(why), GUARD.refusal(address(address)), address);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "191.255.255.255",
        "192.0.1.0",
        "192.0.3.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "198.51.99.255",
        "198.51.101.0",
        "203.0.112.255",
        "203.0.114.0",
        "223.255.255.255",
        "2606:4700::1111",
        "2001:4860:4860::8888",
        "2a00:1450::1",
        "2001:200::1",
        "2400::1",
        "2620:fe::fe",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2002:808:808::1",
        "2001:0:808:808::f7f7:f7f7",
        "2a00:1450::5efe:8.8.8.8",
        "2a00:1450::5eff:10.0.0.1"
      })
  void outsideAddressesAreNot(String address) {
    assertEquals(Optional.empty(), GUARD.refusal(address(address)), address);
  }

  @Test
  void anAddressWithAZoneIsRejected() throws UnknownHostException {
    byte[] global = address("2606:4700::1111").getAddress();
    assertEquals(
        Optional.of("an address with a zone"),
        GUARD.refusal(Inet6Address.getByAddress("x", global, 2)));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "127.0.0.1",
        "10.0.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "198.18.0.1",
        "192.0.2.1",
        "::1",
        "fd12::1",
        "fec0::1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::10.0.0.1",
        "2002:a00:1::",
        "::ffff:127.0.0.1",
        "2001:db8::1",
        "0.0.0.0",
        "::10.0.0.1",
        "fd00:42::43",
        "fd12::5efe:10.0.0.1"
      })
  void privateAddressesAreAllowedIfConfigured(String address) {
    assertEquals(Optional.empty(), guard(true, "", "").refusal(address(address)), address);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "169.254.169.254",
        "169.254.1.1",
        "fe80::1",
        "fd00:ec2::254",
        "fd20:ce::254",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "::ffff:169.254.169.254",
        "64:ff9b::169.254.169.254",
        "64:ff9b:1::169.254.169.254",
        "64:ff9b:1:a9fe:a9:fe00::",
        "64:ff9b:1:ff:a9:fea9:fe00:0",
        "2002:a9fe:a9fe::1",
        "::169.254.169.254",
        "224.0.0.1",
        "255.255.255.255",
        "ff02::1",
        "2001:0:808:808:0:0:5601:5601",
        "169.254.42.42",
        "169.254.170.23",
        "169.254.0.23",
        "fd00:ec2::23",
        "fd00:42::42",
        "fd00:c1::a9fe:a9fe",
        "fd00:a9fe:a9fe::1",
        "fd00:100::100:200",
        "fe80::a9fe:a9fe",
        "fd12::5efe:169.254.169.254",
        "fd12::200:5efe:100.100.100.200",
        "2a00:1450::5efe:168.63.129.16",
        "64:ff9b:1::5efe:169.254.169.254"
      })
  void metadataServicesAreAlwaysRejected(String address) {
    assertTrue(guard(true, "", "").refusal(address(address)).isPresent(), address);
  }

  @Test
  void anAllowedBlockPermitsEveryAddressInIt() {
    AddressGuard guard = guard(false, "169.254.169.254 10.1.0.0/16 fe80::/10 fd00:ec2::254", "");
    for (String open :
        List.of(
            "169.254.169.254",
            "10.1.2.3",
            "fe80::1",
            "fd00:ec2::254",
            "::ffff:10.1.2.3",
            "64:ff9b::10.1.2.3")) {
      assertEquals(Optional.empty(), guard.refusal(address(open)), open);
    }
    for (String closed :
        List.of("169.254.169.253", "10.2.0.0", "127.0.0.1", "fd00:ec2::253", "64:ff9b::10.2.0.1")) {
      assertTrue(guard.refusal(address(closed)).isPresent(), closed);
    }
  }

  @Test
  void aDeniedBlockTakesPrecedence() {
    AddressGuard guard = guard(true, "0.0.0.0/0 ::/0", "93.184.216.0/24 10.0.0.0/8 2606:4700::/32");
    for (String denied :
        List.of(
            "93.184.216.34",
            "10.0.0.1",
            "2606:4700::1",
            "::ffff:93.184.216.34",
            "64:ff9b::93.184.216.34",
            "64:ff9b:1::10.0.0.1",
            "2002:a00:1::",
            "::93.184.216.34",
            "2001:0:808:808::a247:27dd")) {
      assertEquals(Optional.of("in DENIED_CIDRS"), guard.refusal(address(denied)), denied);
    }
    assertEquals(
        Optional.empty(),
        guard.refusal(address("169.254.169.254")),
        "allowed by a block, and not denied");
  }

  private static AddressGuard guard(boolean allowPrivate, String allowed, String denied) {
    return new AddressGuard(allowPrivate, blocks(allowed), blocks(denied));
  }

  private static List<Cidr> blocks(String text) {
    return Stream.of(text.split(" "))
        .filter(one -> !one.isEmpty())
        .map(one -> Cidr.parse(one).orElseThrow())
        .toList();
  }

  private static InetAddress address(String text) {
    return InetAddress.ofLiteral(text);
  }
}
