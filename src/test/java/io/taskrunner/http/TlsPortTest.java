package io.taskrunner.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.config.TlsSettings;
import io.taskrunner.http.Served.Setup;
import io.taskrunner.testkit.TestCertificate;
import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The port with a certificate: TLS and nothing else, and a renewed one without a restart. */
@Timeout(60)
class TlsPortTest {

  private static final String NAMES = "dns:localhost,ip:127.0.0.1";

  private static final TestCertificate FIRST = TestCertificate.of(NAMES);
  private static final TestCertificate RENEWED = TestCertificate.of(NAMES);

  @TempDir private Path folder;
  private TestCertificate.Pem files;
  private Served served;

  @BeforeEach
  void start() throws IOException {
    files = FIRST.pem(folder);
    served =
        new Served(
            Setup.local().tls(new TlsSettings(files.certificate(), files.key())), new FakeStores());
  }

  @AfterEach
  void stop() {
    served.close();
  }

  private HttpResponse<String> get(TestCertificate trusted, HttpClient.Version version)
      throws IOException, InterruptedException {
    try (HttpClient client =
        HttpClient.newBuilder()
            .sslContext(TestCertificate.trusting(trusted.certificate()))
            .version(version)
            .build()) {
      return client.send(
          HttpRequest.newBuilder(
                  URI.create("https://localhost:" + served.server.port() + "/health/detailed"))
              .build(),
          HttpResponse.BodyHandlers.ofString());
    }
  }

  private SSLSocket connect(TestCertificate trusted) throws IOException {
    SSLSocket socket =
        (SSLSocket)
            TestCertificate.trusting(trusted.certificate())
                .getSocketFactory()
                .createSocket("127.0.0.1", served.server.port());
    socket.setSoTimeout(20_000);
    socket.startHandshake();
    return socket;
  }

  private static X509Certificate shown(SSLSocket socket) throws IOException {
    return (X509Certificate) socket.getSession().getPeerCertificates()[0];
  }

  private static int call(Socket socket) throws IOException {
    OutputStream out = socket.getOutputStream();
    out.write(
        "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n".getBytes(StandardCharsets.UTF_8));
    out.flush();
    return Served.read(socket.getInputStream(), true).status();
  }

  @ParameterizedTest
  @EnumSource(
      value = HttpClient.Version.class,
      names = {"HTTP_1_1", "HTTP_2"})
  void bothVersionsAreSpokenAsTheClientWantsIt(HttpClient.Version version) throws Exception {
    HttpResponse<String> answer = get(FIRST, version);
    assertEquals(200, answer.statusCode());
    assertEquals(version, answer.version());
    assertTrue(
        answer.body().contains("The certificate of CN=target is valid until "), answer.body());
  }

  @Test
  void aClientThatTrustsAnotherAuthorityDoesNotConnect() {
    assertThrows(IOException.class, () -> get(RENEWED, HttpClient.Version.HTTP_2));
  }

  @Test
  void plaintextCallsAreRejected() throws IOException {
    try (Socket plain = served.connect()) {
      assertThrows(IOException.class, () -> call(plain));
    }
    byte[] preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
    try (Socket plain = served.connect()) {
      plain.getOutputStream().write(preface);
      assertFalse(
          new String(plain.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1)
              .contains("HTTP"));
    }
  }

  @Test
  void aRenewedCertificateIsUsedAndConnectionsStayOpen() throws IOException {
    ServerCertificate certificate = served.server.certificate().orElseThrow();
    try (SSLSocket early = connect(FIRST)) {
      assertEquals(200, call(early));
      RENEWED.pem(folder);
      certificate.look();
      assertEquals(200, call(early), "who is connected notices nothing");
      try (SSLSocket late = connect(RENEWED)) {
        assertEquals(RENEWED.certificate(), shown(late));
        assertEquals(200, call(late));
      }
    }
  }

  @Test
  void invalidFilesLeaveTheCurrentCertificate() throws IOException {
    ServerCertificate certificate = served.server.certificate().orElseThrow();
    String key = Files.readString(files.key());
    Files.writeString(files.key(), key.substring(0, 60));
    certificate.look();
    assertTrue(certificate.detail().contains("TLS_KEY_FILE: "), certificate.detail());
    assertFalse(
        certificate.detail().contains(key.substring(30, 60)), "the private key is not shown");
    Files.writeString(files.key(), key);
    Files.writeString(files.certificate(), Files.readString(RENEWED.pem(other()).certificate()));
    certificate.look();
    assertTrue(
        certificate.detail().contains("the key of the first certificate"), "only one is new");
    try (SSLSocket socket = connect(FIRST)) {
      assertEquals(FIRST.certificate(), shown(socket));
      assertEquals(200, call(socket));
    }
    RENEWED.pem(folder);
    certificate.look();
    assertFalse(certificate.detail().contains("cannot be used"), certificate.detail());
    try (SSLSocket socket = connect(RENEWED)) {
      assertEquals(RENEWED.certificate(), shown(socket));
    }
  }

  private Path other() throws IOException {
    return Files.createDirectories(folder.resolve("other"));
  }
}
