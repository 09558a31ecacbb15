package io.taskrunner.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.testkit.TestCertificate;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPairGenerator;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TlsSettingsTest {

  @TempDir private static Path folder;
  private static TestCertificate.Pem pem;

  @BeforeAll
  static void make() throws Exception {
    pem = TestCertificate.of("dns:localhost").pem(folder);
  }

  private static Settings with(Object certificate, Object key) {
    return Settings.serve(
        Map.of("TLS_CERT_FILE", certificate.toString(), "TLS_KEY_FILE", key.toString()));
  }

  private static List<String> faults(Map<String, String> environment) {
    return assertThrows(InvalidSettings.class, () -> Settings.serve(environment)).faults().stream()
        .map(Object::toString)
        .toList();
  }

  private static List<String> faults(Object certificate, Object key) {
    return faults(Map.of("TLS_CERT_FILE", certificate.toString(), "TLS_KEY_FILE", key.toString()));
  }

  private static Path file(String name, String text) throws Exception {
    return Files.writeString(folder.resolve(name), text);
  }

  @Test
  void bothTlsFilesMakeThePortHttps() {
    ServerSettings server = with(pem.certificate(), pem.key()).server();
    assertEquals("https://127.0.0.1:8080", server.url());
    assertEquals(1, server.tls().orElseThrow().load().chain().size());
  }

  @Test
  void theCaCertificatesOfTargetsAreReadFromTheirFile() throws Exception {
    String one = Files.readString(pem.certificate());
    Path several = file("authorities.pem", "# ours\n" + one + "# theirs\n" + one);
    Settings settings = Settings.serve(Map.of("TARGET_CA_FILE", several.toString()));
    assertEquals(2, settings.dispatch().authorities().size());
    assertEquals(List.of(), Settings.serve(Map.of()).dispatch().authorities());
    for (Path bad : List.of(file("none.pem", "nothing"), folder.resolve("not-there"))) {
      String told = faults(Map.of("TARGET_CA_FILE", bad.toString())).getFirst();
      assertTrue(told.startsWith("TARGET_CA_FILE") && told.contains(bad.toString()), told);
    }
  }

  @Test
  void textBetweenCertificatesIsIgnored() throws Exception {
    String one = Files.readString(pem.certificate());
    Path chain = file("chain.pem", "subject=CN = target\n" + one + "\nissuer=…\n" + one);
    assertEquals(2, with(chain, pem.key()).server().tls().orElseThrow().load().chain().size());
  }

  @Test
  void anRsaKeyIsAcceptedToo() throws Exception {
    var rsa = KeyPairGenerator.getInstance("RSA").generateKeyPair();
    Path key = file("rsa.pem", pem("PRIVATE KEY", rsa.getPrivate().getEncoded()));
    assertEquals(
        List.of(
            "TLS_KEY_FILE: \""
                + key
                + "\" (expected: the key of the first certificate in"
                + " TLS_CERT_FILE)"),
        faults(pem.certificate(), key),
        "it is read, and is another's");
  }

  @Test
  void oneFileIsNotEnough() {
    assertEquals(
        List.of(
            "TLS_KEY_FILE: not set (expected: a path, because TLS_CERT_FILE is set; set both or"
                + " neither)"),
        faults(Map.of("TLS_CERT_FILE", pem.certificate().toString())));
    assertEquals(
        List.of(
            "TLS_CERT_FILE: not set (expected: a path, because TLS_KEY_FILE is set; set both or"
                + " neither)"),
        faults(Map.of("TLS_KEY_FILE", pem.key().toString())));
  }

  @Test
  void bothUnreadableFilesAreReported() {
    assertEquals(
        List.of(
            "TLS_CERT_FILE: \"/none/a\" (expected: a readable file)",
            "TLS_KEY_FILE: \"/none/b\" (expected: a readable file)"),
        faults("/none/a", "/none/b"));
  }

  @Test
  void anInvalidCertificateIsReported() throws Exception {
    String whole = Files.readString(pem.certificate());
    Path none = file("none.pem", "nothing");
    assertTrue(
        faults(none, pem.key())
            .getFirst()
            .endsWith("the file has no \"-----BEGIN CERTIFICATE-----\")"));
    Path broken = file("broken.pem", whole + whole.substring(0, 200));
    assertTrue(faults(broken, pem.key()).getFirst().endsWith("number 2 cannot be read)"));
  }

  @Test
  void anInvalidKeyIsReported() throws Exception {
    assertTrue(
        faults(pem.certificate(), pem.certificate())
            .getFirst()
            .endsWith("the file has no \"-----BEGIN PRIVATE KEY-----\")"));
    for (String kind : List.of("RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY")) {
      Path other = file("other.pem", pem(kind, new byte[] {1, 2, 3}));
      String told = faults(pem.certificate(), other).getFirst();
      assertTrue(told.contains("unencrypted PKCS #8 key; convert it with `openssl pkcs8"), told);
    }
    Path half = file("half.pem", Files.readString(pem.key()).substring(0, 60));
    assertTrue(
        faults(pem.certificate(), half)
            .getFirst()
            .endsWith("the file has no \"-----END PRIVATE KEY-----\")"));
    for (String text : List.of("AAAA", "!")) {
      Path broken =
          file(
              "key-broken.pem",
              "-----BEGIN PRIVATE KEY-----\n" + text + "\n-----END PRIVATE KEY-----");
      String told = faults(pem.certificate(), broken).getFirst();
      assertTrue(told.contains("expected: an RSA or EC private key"), told);
    }
  }

  private static String pem(String kind, byte[] content) {
    return "-----BEGIN "
        + kind
        + "-----\n"
        + Base64.getMimeEncoder().encodeToString(content)
        + "\n-----END "
        + kind
        + "-----\n";
  }
}
