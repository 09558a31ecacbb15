package io.taskrunner.testkit;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509KeyManager;

/**
 * A certificate that only explicitly configured clients trust, created for the names of one test by
 * the JDK's own tool.
 *
 * @param keys for a server
 * @param certificate for its clients to trust
 */
public record TestCertificate(KeyManagerFactory keys, X509Certificate certificate) {

  private static final String PASSWORD = "changeit";
  private static final String NAME = "target";
  private static final String AUTHORITY = "authority";

  /**
   * Creates one.
   *
   * @param names such as {@code dns:target.example,ip:127.0.0.1}
   */
  public static TestCertificate of(String names) {
    return made(NAME, store -> generate(store, NAME, "-validity", "2", "-ext", san(names)));
  }

  /** Creates one that expired a month ago; its authority, which clients trust, is still valid. */
  public static TestCertificate expired(String names) {
    return made(
        AUTHORITY,
        store -> {
          generate(store, AUTHORITY, "-validity", "2", "-ext", "bc:c");
          generate(
              store,
              NAME,
              "-signer",
              AUTHORITY,
              "-startdate",
              "-32d",
              "-validity",
              "2",
              "-ext",
              san(names));
        });
  }

  /** Fills a key store. */
  @FunctionalInterface
  private interface Filling {
    void fill(Path store) throws IOException, InterruptedException;
  }

  private static TestCertificate made(String trusted, Filling filling) {
    try {
      Path folder = Files.createTempDirectory("test-certificate");
      Path store = folder.resolve("keys.p12");
      try {
        filling.fill(store);
        KeyStore loaded = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(store)) {
          loaded.load(in, PASSWORD.toCharArray());
        }
        X509Certificate certificate = (X509Certificate) loaded.getCertificate(trusted);
        loaded.deleteEntry(AUTHORITY); // a server is to show the other
        KeyManagerFactory keys =
            KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(loaded, PASSWORD.toCharArray());
        return new TestCertificate(keys, certificate);
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

  /** The TLS settings of a client that trusts only this certificate. */
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
   * Makes a Java program trust only this certificate.
   *
   * @param folder of the trust store
   * @return variables for its environment
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

  /** The extension with a certificate's names, by its bytes: the tool refuses an underscore. */
  private static String san(String names) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (String name : names.split(",")) {
      boolean dns = name.startsWith("dns:");
      String text = name.substring(name.indexOf(':') + 1);
      byte[] value =
          dns ? text.getBytes(StandardCharsets.US_ASCII) : InetAddress.ofLiteral(text).getAddress();
      all.write(dns ? 0x82 : 0x87);
      all.write(value.length);
      all.writeBytes(value);
    }
    if (all.size() > 127) {
      throw new IllegalArgumentException(names + " (expected: fewer names)");
    }
    return "2.5.29.17=30"
        + HexFormat.of().toHexDigits((byte) all.size())
        + HexFormat.of().formatHex(all.toByteArray());
  }

  private static void generate(Path store, String alias, String... more)
      throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias",
                alias,
                "-keyalg",
                "EC",
                "-groupname",
                "secp256r1",
                "-dname",
                "CN=" + alias,
                "-storetype",
                "PKCS12",
                "-keystore",
                store.toString(),
                "-storepass",
                PASSWORD));
    command.addAll(List.of(more));
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.to(new File("/dev/null")))
            .start();
    if (!process.waitFor(30, TimeUnit.SECONDS) || process.exitValue() != 0) {
      process.destroyForcibly();
      throw new IOException("keytool made no certificate: " + List.of(more));
    }
  }
}
