package io.taskrunner.testkit;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509KeyManager;

/**
 * A certificate that nobody trusts but who is told to, made for the names of one test by the JDK's
 * own tool.
 *
 * @param keys for a server
 * @param certificate for its clients to trust
 */
public record TestCertificate(KeyManagerFactory keys, X509Certificate certificate) {

  private static final String PASSWORD = "changeit";
  private static final String NAME = "target";

  /**
   * Makes one.
   *
   * @param names such as {@code dns:target.example,ip:127.0.0.1}
   */
  public static TestCertificate of(String names) {
    try {
      Path folder = Files.createTempDirectory("test-certificate");
      Path store = folder.resolve("keys.p12");
      try {
        make(store, names);
        KeyStore loaded = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(store)) {
          loaded.load(in, PASSWORD.toCharArray());
        }
        KeyManagerFactory keys =
            KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(loaded, PASSWORD.toCharArray());
        return new TestCertificate(keys, (X509Certificate) loaded.getCertificate(NAME));
      } finally {
        Files.deleteIfExists(store);
        Files.delete(folder);
      }
    } catch (IOException | GeneralSecurityException failed) {
      throw new IllegalStateException(failed);
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(stopped);
    }
  }

  /** The side of TLS of who trusts this certificate and no other. */
  public static SSLContext trusting(X509Certificate certificate) {
    try {
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(null, null);
      store.setCertificateEntry(NAME, certificate);
      TrustManagerFactory trust =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      trust.init(store);
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, trust.getTrustManagers(), null);
      return context;
    } catch (GeneralSecurityException | IOException failed) {
      throw new IllegalStateException(failed);
    }
  }

  /** A server's side of TLS. */
  public SSLContext server() {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(keys.getKeyManagers(), null, null);
      return context;
    } catch (GeneralSecurityException failed) {
      throw new IllegalStateException(failed);
    }
  }

  /** Writes it, and the server's key, as PEM for a server that is no Java program. */
  public Pem pem(Path folder) throws IOException {
    X509KeyManager manager = (X509KeyManager) keys.getKeyManagers()[0];
    try {
      return new Pem(
          write(folder.resolve("certificate.pem"), "CERTIFICATE", certificate.getEncoded()),
          write(
              folder.resolve("key.pem"), "PRIVATE KEY", manager.getPrivateKey(NAME).getEncoded()));
    } catch (CertificateEncodingException failed) {
      throw new IllegalStateException(failed);
    }
  }

  /**
   * Two files in PEM.
   *
   * @param certificate which is its own authority
   * @param key of the server
   */
  public record Pem(Path certificate, Path key) {}

  private static Path write(Path file, String kind, byte[] content) throws IOException {
    String lines = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(content);
    return Files.writeString(
        file, "-----BEGIN " + kind + "-----\n" + lines + "\n-----END " + kind + "-----\n");
  }

  /**
   * Has a Java program trust it, and nothing else.
   *
   * @param folder to keep the trust store in
   * @return what goes into its environment
   */
  public Map<String, String> trusted(Path folder) throws IOException {
    Path file = folder.resolve("trusted.p12");
    try (OutputStream out = Files.newOutputStream(file)) {
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(null, null);
      store.setCertificateEntry(NAME, certificate);
      store.store(out, PASSWORD.toCharArray());
    } catch (GeneralSecurityException failed) {
      throw new IllegalStateException(failed);
    }
    return Map.of(
        "JAVA_TOOL_OPTIONS",
        "-Djavax.net.ssl.trustStore=" + file + " -Djavax.net.ssl.trustStorePassword=" + PASSWORD);
  }

  private static void make(Path store, String names) throws IOException, InterruptedException {
    String keytool = Path.of(System.getProperty("java.home"), "bin", "keytool").toString();
    Process process =
        new ProcessBuilder(
                keytool,
                "-genkeypair",
                "-alias",
                NAME,
                "-keyalg",
                "EC",
                "-groupname",
                "secp256r1",
                "-validity",
                "2",
                "-dname",
                "CN=target",
                "-ext",
                "san=" + names,
                "-storetype",
                "PKCS12",
                "-keystore",
                store.toString(),
                "-storepass",
                PASSWORD)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.to(new File("/dev/null")))
            .start();
    if (!process.waitFor(30, TimeUnit.SECONDS) || process.exitValue() != 0) {
      process.destroyForcibly();
      throw new IOException("keytool made no certificate for " + names);
    }
  }
}
