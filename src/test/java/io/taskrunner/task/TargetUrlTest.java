package io.taskrunner.task;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.task.TargetUrl.Parsed.Bad;
import io.taskrunner.task.TargetUrl.Parsed.Good;
import java.net.IDN;
import java.net.InetAddress;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Valid targets, and every way in which a text is invalid. */
class TargetUrlTest {

  private static final String GOOD =
      """
      http://example.com/              http   example.com         80    /
      http://example.com               http   example.com         80    /
      HTTPS://EXAMPLE.COM/A%2fb?C=D    https  example.com         443   /A%2fb?C=D
      http://example.com?a=b           http   example.com         80    /?a=b
      http://example.com/a#b?c         http   example.com         80    /a
      http://example.com#b             http   example.com         80    /
      http://example.com./x            http   example.com.        80    /x
      http://a_b-c.example.com/        http   a_b-c.example.com   80    /
      http://-a/                       http   -a                  80    /
      http://localhost:8080/x          http   localhost           8080  /x
      http://h:1/                      http   h                   1     /
      http://h:65535/                  http   h                   65535 /
      http://h:00080/                  http   h                   80    /
      http://10.0.0.1/                 http   10.0.0.1            80    /
      http://0.0.0.0/                  http   0.0.0.0             80    /
      http://255.255.255.255/          http   255.255.255.255     80    /
      http://1.2.3.4.example/          http   1.2.3.4.example     80    /
      http://0x7f.example/             http   0x7f.example        80    /
      http://1x/                       http   1x                  80    /
      http://0xg/                      http   0xg                 80    /
      http://[::1]/                    http   ::1                 80    /
      http://[::]/                     http   ::                  80    /
      https://[2001:DB8::A]:444/p      https  2001:db8::a         444   /p
      http://[1:2:3:4:5:6:7:8]/        http   1:2:3:4:5:6:7:8     80    /
      http://[1:2:3:4:5:6:7::]/        http   1:2:3:4:5:6:7::     80    /
      http://[::2:3:4:5:6:7:8]/        http   ::2:3:4:5:6:7:8     80    /
      http://[::ffff:127.0.0.1]/       http   ::ffff:127.0.0.1    80    /
      http://[64:ff9b::1.2.3.4]/       http   64:ff9b::1.2.3.4    80    /
      http://[1:2:3:4:5:6:1.2.3.4]/    http   1:2:3:4:5:6:1.2.3.4 80    /
      http://h//a/../b/./c;d=e?f=g&h   http   h                   80    //a/../b/./c;d=e?f=g&h
      http://h/{"<>}|^`[]              http   h                   80    /{"<>}|^`[]
      http://h/@:                      http   h                   80    /@:
      http://h/?u=http://x@y/          http   h                   80    /?u=http://x@y/
      """;

  private static final String NO_HOST = "has no host";
  private static final String HOST =
      "has a host that is neither an IP address nor a name of letters, digits, -, _ and dots";
  private static final String NUMBER =
      "has a host that ends in a number but is not an IPv4 address of four decimal numbers";
  private static final String IPV6 = "has a host in brackets that is not an IPv6 address";
  private static final String PORT = "has an invalid port (expected: 1 to 65535)";
  private static final String USER = "must not contain a user name or password";
  private static final String ASCII =
      "has a host that cannot be converted to ASCII (write it as xn--…)";
  private static final String SCHEME = "must begin with http:// or https://";

  static Stream<String> goodLines() {
    return GOOD.lines();
  }

  @ParameterizedTest
  @MethodSource("goodLines")
  void aUrlIsParsedUnchanged(String line) {
    String[] parts = line.split(" +");
    TargetUrl url = assertInstanceOf(Good.class, TargetUrl.parse(parts[0])).url();
    assertEquals(parts[1], url.scheme());
    assertEquals(parts[2], url.host());
    assertEquals(Integer.parseInt(parts[3]), url.port());
    assertEquals(parts[4], url.pathAndQuery());
    assertTrue(url.value().endsWith(url.pathAndQuery()));
    assertEquals(url, assertInstanceOf(Good.class, TargetUrl.parse(url.value())).url());
  }

  private record Refused(String url, String reason) {}

  static Stream<Refused> refused() {
    return Stream.of(
        new Refused("", SCHEME),
        new Refused("/", SCHEME),
        new Refused("example.com", SCHEME),
        new Refused("//example.com/", SCHEME),
        new Refused("http:/example.com/", SCHEME),
        new Refused("http:example.com", SCHEME),
        new Refused("ftp://example.com/", SCHEME),
        new Refused("file:///etc/passwd", SCHEME),
        new Refused("gopher://example.com/", SCHEME),
        new Refused("javascript:alert(1)", SCHEME),
        new Refused("httpx://example.com/", SCHEME),
        new Refused("https//example.com/", SCHEME),
        new Refused("http://", NO_HOST),
        new Refused("http:///path", NO_HOST),
        new Refused("http://?query", NO_HOST),
        new Refused("http://#fragment", NO_HOST),
        new Refused("http://:80/", NO_HOST),
        new Refused("http://user@example.com/", USER),
        new Refused("http://user:pass@example.com/", USER),
        new Refused("http://@example.com/", USER),
        new Refused("http://example.com@10.0.0.1/", USER),
        new Refused("http://[::1]@example.com/", USER),
        new Refused("http://example..com/", HOST),
        new Refused("http://.example.com/", HOST),
        new Refused("http://example.com../", HOST),
        new Refused("http://./", HOST),
        new Refused("http://exam!ple.com/", HOST),
        new Refused("http://exam%70le.com/", HOST),
        new Refused("http://exa,mple.com/", HOST),
        new Refused("http://*/", HOST),
        new Refused("http://a;b/", HOST),
        new Refused("http://$HOST/", HOST),
        new Refused("http://" + "a".repeat(64) + ".com/", HOST),
        new Refused("http://" + "a.".repeat(126) + "ab/", HOST),
        new Refused("http://1/", NUMBER),
        new Refused("http://127.1/", NUMBER),
        new Refused("http://2130706433/", NUMBER),
        new Refused("http://0x7f000001/", NUMBER),
        new Refused("http://0X7F.1/", NUMBER),
        new Refused("http://0x/", NUMBER),
        new Refused("http://example.0x/", NUMBER),
        new Refused("http://017700000001/", NUMBER),
        new Refused("http://0177.0.0.1/", NUMBER),
        new Refused("http://01.2.3.4/", NUMBER),
        new Refused("http://1.2.3.4./", NUMBER),
        new Refused("http://1.2.3.4.5/", NUMBER),
        new Refused("http://1.2.3/", NUMBER),
        new Refused("http://256.1.1.1/", NUMBER),
        new Refused("http://1.2.3.0x4/", NUMBER),
        new Refused("http://example.123/", NUMBER),
        new Refused("http://h:0/", PORT),
        new Refused("http://h:65536/", PORT),
        new Refused("http://h:999999/", PORT),
        new Refused("http://h:-1/", PORT),
        new Refused("http://h:8x/", PORT),
        new Refused("http://h:80:80/", PORT),
        new Refused("http://[::1]80/", PORT),
        new Refused("http://[::1", "has an IPv6 address without its closing bracket"),
        new Refused("http://[]/", IPV6),
        new Refused("http://[:]/", IPV6),
        new Refused("http://[1]/", IPV6),
        new Refused("http://[:::]/", IPV6),
        new Refused("http://[1::2::3]/", IPV6),
        new Refused("http://[1:2:3:4:5:6:7]/", IPV6),
        new Refused("http://[1:2:3:4:5:6:7:8:9]/", IPV6),
        new Refused("http://[1:2:3:4:5:6:7:8::]/", IPV6),
        new Refused("http://[::1:2:3:4:5:6:7:8]/", IPV6),
        new Refused("http://[12345::]/", IPV6),
        new Refused("http://[g::]/", IPV6),
        new Refused("http://[:1::2]/", IPV6),
        new Refused("http://[1::2:]/", IPV6),
        new Refused("http://[::1.2.3]/", IPV6),
        new Refused("http://[::1.2.3.256]/", IPV6),
        new Refused("http://[1.2.3.4::]/", IPV6),
        new Refused("http://[1:2:3:4:5:6:7:1.2.3.4]/", IPV6),
        new Refused("http://[1.2.3.4]/", IPV6),
        new Refused("http://[fe80::1%eth0]/", IPV6),
        new Refused("http://[fe80::1%25eth0]/", IPV6),
        new Refused("http://[v1.x]/", IPV6),
        new Refused(" http://h/", "has a space, control character or backslash at position 0"),
        new Refused("http://h/a b", "has a space, control character or backslash at position 10"),
        new Refused("http://h/\t", "has a space, control character or backslash at position 9"),
        new Refused(
            "http://h/\r\nX: y", "has a space, control character or backslash at position 9"),
        new Refused("http://h/\0", "has a space, control character or backslash at position 9"),
        new Refused("http://h/\u007f", "has a space, control character or backslash at position 9"),
        new Refused("http://h\\x/", "has a space, control character or backslash at position 8"),
        new Refused("http:\\\\h/", "has a space, control character or backslash at position 5"),
        new Refused("http://h/#a b", "has a space, control character or backslash at position 11"),
        new Refused("http://h/\u0085", "has a space, control character or backslash at position 9"),
        new Refused("http://h/\u3000", "has a space, control character or backslash at position 9"),
        new Refused("http://\u2603.example/", ASCII),
        new Refused("http://a\u200db.example/", ASCII),
        new Refused("http://\u0301a.example/", ASCII),
        new Refused("http://a\uff0fb/", ASCII),
        new Refused("http://b%C3%BCcher.example/", HOST),
        new Refused(
            "http://h/\u00e9", "has a character outside ASCII at position 9 (percent-encode it)"),
        new Refused("http://\uff11\uff12\uff17.1/", NUMBER),
        new Refused("http\u017f://h/", SCHEME));
  }

  @ParameterizedTest
  @MethodSource("refused")
  void ambiguousUrlsAreRejected(Refused refused) {
    Bad bad = assertInstanceOf(Bad.class, TargetUrl.parse(refused.url()));
    assertEquals(refused.reason(), bad.reason());
  }

  static Stream<Arguments> names() {
    return Stream.of(
        Arguments.of("B\u00dcCHER.example", "xn--bcher-kva.example"),
        Arguments.of("bu\u0308cher.example", "xn--bcher-kva.example"),
        Arguments.of("stra\u00dfe.de", "xn--strae-oqa.de"),
        Arguments.of("\u039c\u0395\u03a3\u03a3.gr", "xn--qxanwa.gr"),
        Arguments.of("\u4f8b\u3048\u3002\u30c6\u30b9\u30c8", "xn--r8jz45g.xn--zckzah"),
        Arguments.of("\u043f\u0440\u0438\u043c\u0435\u0440.\u0440\u0444", "xn--e1afmkfd.xn--p1ai"),
        Arguments.of(
            "\u0645\u062b\u0627\u0644.\u0625\u062e\u062a\u0628\u0627\u0631",
            "xn--mgbh0fb.xn--kgbechtv"),
        Arguments.of("a\u00adb\u00fc.example", "xn--ab-yka.example"),
        Arguments.of("\uff28\uff4f\uff53\uff54.example", "host.example"),
        Arguments.of("\uff11\uff12\uff17.0.0.1", "127.0.0.1"),
        Arguments.of("Xn--Bcher-Kva.example", "xn--bcher-kva.example"));
  }

  @ParameterizedTest
  @MethodSource("names")
  void anInternationalNameIsStoredInAscii(String given, String ascii) {
    TargetUrl url =
        assertInstanceOf(Good.class, TargetUrl.parse("https://" + given + ":8443/x")).url();
    assertEquals(ascii, url.host());
    assertEquals("https://" + ascii + ":8443/x", url.value());
  }

  @Test
  void punycodeEqualsThatOfTheJdk() {
    Random random = new Random(3492);
    for (int i = 0; i < 300; i++) {
      StringBuilder name = new StringBuilder("a");
      for (int length = random.nextInt(1, 12); length > 0; length--) {
        int[][] scripts = {{'a', 26}, {'0', 10}, {0xE0, 23}, {0x430, 32}, {0x4E00, 2000}};
        int[] script = scripts[random.nextInt(scripts.length)];
        name.appendCodePoint(script[0] + random.nextInt(script[1]));
      }
      TargetUrl url = assertInstanceOf(Good.class, TargetUrl.parse("http://" + name + "x/")).url();
      assertEquals(IDN.toASCII(name + "x"), url.host(), name.toString());
    }
  }

  @Test
  void aHostIsEitherAnAddressOrAName() {
    String[][] all = {
      {"127.0.0.1", "127.0.0.1"},
      {"[::1]", "::1"},
      {"[::]", "::"},
      {"[1:2:3:4:5:6:7:8]", "1:2:3:4:5:6:7:8"},
      {"[fe80::1:0:0:2]", "fe80::1:0:0:2"},
      {"[1::]", "1::"},
      {"[64:FF9B::8.8.8.8]", "64:ff9b::808:808"},
      {"[::ffff:127.0.0.1]", "127.0.0.1"},
      {"[1:2:3:4:5:6:9.8.7.6]", "1:2:3:4:5:6:908:706"},
    };
    for (String[] one : all) {
      TargetUrl url = assertInstanceOf(Good.class, TargetUrl.parse("http://" + one[0] + "/")).url();
      assertEquals(Optional.of(InetAddress.ofLiteral(one[1])), url.address(), one[0]);
    }
    for (String name : List.of("localhost", "a.b", "1.2.3.4.example", "abc", "face.b00c")) {
      TargetUrl url = assertInstanceOf(Good.class, TargetUrl.parse("http://" + name + "/")).url();
      assertEquals(Optional.empty(), url.address(), name);
    }
  }

  @Test
  void anEmptyPortIsTheDefaultPort() {
    assertEquals(TargetUrl.parse("http://h/x"), TargetUrl.parse("http://h:/x"));
    assertEquals(TargetUrl.parse("https://[::1]/"), TargetUrl.parse("https://[::1]:"));
  }

  @Test
  void theLengthIsBounded() {
    String most = "http://h/" + "a".repeat(TargetUrl.LENGTH_MAX - 9);
    assertInstanceOf(Good.class, TargetUrl.parse(most));
    assertEquals(
        "is longer than 2083 characters",
        assertInstanceOf(Bad.class, TargetUrl.parse(most + "a")).reason());
    assertInstanceOf(Good.class, TargetUrl.parse("http://" + "a.".repeat(126) + "a/"));
  }

  @ParameterizedTest
  @CsvSource({
    "http://EXAMPLE.com/, example.com:80",
    "http://example.com./, example.com:80",
    "http://example.com.:080/, example.com:80",
    "http://example.com:00080/x, example.com:80",
    "https://example.com:0443/, example.com:443",
    "http://[0:0:0:0:0:0:0:1]/, [::1]:80",
    "http://[::0001]:08080/, [::1]:8080",
    "http://[2001:DB8:0:0:1:0:0:1]/, [2001:db8::1:0:0:1]:80",
    "http://[2001:db8:0:0:0:0:2:1]/, [2001:db8::2:1]:80",
    "http://[2001:db8:0:1:1:1:1:1]/, [2001:db8:0:1:1:1:1:1]:80",
    "http://[1::]/, [1::]:80",
    "http://[::]/, [::]:80",
    "http://[64:ff9b::8.8.8.8]/, [64:ff9b::808:808]:80",
    "http://[::ffff:10.0.0.1]/, 10.0.0.1:80",
    "http://[::FFFF:0a00:0001]/, 10.0.0.1:80"
  })
  void allSpellingsOfAHostAreOneHost(String url, String host) {
    assertEquals(host, assertInstanceOf(Good.class, TargetUrl.parse(url)).url().hostAndPort());
  }

  @Test
  void allSpellingsOfAHostHaveOneKey() {
    assertEquals(Optional.of("example.com"), TargetUrl.hostOf("Example.com."));
    assertEquals(Optional.of("example.com:8080"), TargetUrl.hostOf("example.com.:08080"));
    assertEquals(Optional.of("[::1]"), TargetUrl.hostOf("[0:0::1]"));
    assertEquals(Optional.of("[::1]:80"), TargetUrl.hostOf("[0:0::1]:80"));
    assertEquals(Optional.empty(), TargetUrl.hostOf("example.com:0"));
  }

  @Test
  void hostAndPortAreOneWord() {
    assertEquals(
        "example.com:443", ((Good) TargetUrl.parse("https://example.com/")).url().hostAndPort());
    assertEquals("[::1]:80", ((Good) TargetUrl.parse("http://[::1]/")).url().hostAndPort());
  }
}
