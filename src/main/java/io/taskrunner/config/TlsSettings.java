package io.taskrunner.config;

import io.taskrunner.config.InvalidSettings.Fault;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The two files for TLS. They are read at startup, so that their errors are reported with all
 * others, and again when they may have been renewed.
 *
 * @param certificateFile the server certificate and its chain, in PEM
 * @param keyFile its private key, PKCS #8 in PEM
 */
public record TlsSettings(Path certificateFile, Path keyFile) {

  private static final String CERTIFICATE = "TLS_CERT_FILE";
  private static final String KEY = "TLS_KEY_FILE";
  private static final String BEGIN_CERTIFICATE = "-----BEGIN CERTIFICATE-----";
  private static final String BEGIN_KEY = "-----BEGIN PRIVATE KEY-----";
  private static final String END_KEY = "-----END PRIVATE KEY-----";
  private static final String TO_PKCS8 =
      "; convert it with `openssl pkcs8 -topk8 -nocrypt -in <key> -out <file>`";

  /**
   * Private key and certificates.
   *
   * @param key RSA or EC, of the first certificate
   * @param chain the server certificate and its chain
   */
  public record Identity(PrivateKey key, List<X509Certificate> chain) {
    /** Copies the list. */
    public Identity {
      chain = List.copyOf(chain);
    }
  }

  /** A file cannot be used; the message has the expected content. */
  private static final class Unusable extends Exception {
    private static final long serialVersionUID = 1;

    Unusable(String expected) {
      super(expected);
    }
  }

  static Optional<TlsSettings> read(Env env) {
    Optional<Path> certificate =
        env.optionalPath(
            CERTIFICATE,
            "server certificate and its chain (PEM); with it the port accepts only TLS. Renewed files"
                + " are loaded within a minute");
    Optional<Path> key =
        env.optionalPath(KEY, "private key of TLS_CERT_FILE, RSA or EC (PKCS #8 in PEM)");
    lacking(env, CERTIFICATE, KEY);
    lacking(env, KEY, CERTIFICATE);
    if (certificate.isEmpty() || key.isEmpty()) {
      return Optional.empty();
    }
    TlsSettings tls = new TlsSettings(certificate.get(), key.get());
    try {
      var unused = tls.load();
    } catch (InvalidSettings unusable) {
      env.faults(unusable.faults());
    }
    return Optional.of(tls);
  }

  /** The certificates in the file of a variable; none if it is unset. */
  static List<X509Certificate> authorities(Env env, String name, String meaning) {
    Optional<Path> file = env.optionalPath(name, meaning);
    if (file.isEmpty()) {
      return List.of();
    }
    try {
      return chain(text(file.get()));
    } catch (Unusable unusable) {
      env.faults(List.of(fault(name, file.get(), unusable)));
      return List.of();
    }
  }

  private static void lacking(Env env, String given, String other) {
    if (env.isGiven(given) && !env.isGiven(other)) {
      env.fault(other, "expected: a path, because " + given + " is set; set both or neither");
    }
  }

  /**
   * Reads both files.
   *
   * @throws InvalidSettings one cannot be read or used, or they do not match; with the name of the
   *     variable of each error
   */
  public Identity load() {
    List<Fault> faults = new ArrayList<>();
    List<X509Certificate> chain = List.of();
    @Nullable PrivateKey key = null;
    try {
      chain = chain(text(certificateFile));
    } catch (Unusable unusable) {
      faults.add(fault(CERTIFICATE, certificateFile, unusable));
    }
    try {
      key = key(text(keyFile));
    } catch (Unusable unusable) {
      faults.add(fault(KEY, keyFile, unusable));
    }
    if (key != null && !chain.isEmpty() && !belongs(key, chain.getFirst().getPublicKey())) {
      faults.add(
          fault(
              KEY,
              keyFile,
              new Unusable("expected: the key of the first certificate in " + CERTIFICATE)));
    }
    if (key == null || !faults.isEmpty()) {
      throw new InvalidSettings(faults);
    }
    return new Identity(key, chain);
  }

  /** Records the errors of a file of CA certificates. */
  static void checkCertificates(Env env, String variable, Path file) {
    try {
      var unused = chain(text(file));
    } catch (Unusable unusable) {
      env.faults(List.of(fault(variable, file, unusable)));
    }
  }

  private static Fault fault(String variable, Path file, Unusable unusable) {
    return new Fault(variable, Env.quoted(file.toString()), String.valueOf(unusable.getMessage()));
  }

  private static String text(Path file) throws Unusable {
    try {
      return Files.readString(file, StandardCharsets.ISO_8859_1);
    } catch (IOException unreadable) {
      throw new Unusable("expected: a readable file");
    }
  }

  private static List<X509Certificate> chain(String pem) throws Unusable {
    List<X509Certificate> chain = new ArrayList<>();
    try {
      CertificateFactory factory = CertificateFactory.getInstance("X.509");
      // One by one: the factory rejects text between them.
      for (int at = pem.indexOf(BEGIN_CERTIFICATE);
          at >= 0;
          at = pem.indexOf(BEGIN_CERTIFICATE, at + 1)) {
        byte[] one = pem.substring(at).getBytes(StandardCharsets.ISO_8859_1);
        chain.add((X509Certificate) factory.generateCertificate(new ByteArrayInputStream(one)));
      }
    } catch (CertificateException broken) {
      throw new Unusable(
          "expected: certificates in PEM; number " + (chain.size() + 1) + " cannot be read");
    }
    if (chain.isEmpty()) {
      throw new Unusable(
          "expected: certificates in PEM; the file has no \"" + BEGIN_CERTIFICATE + "\"");
    }
    return chain;
  }

  private static PrivateKey key(String pem) throws Unusable {
    int begin = pem.indexOf(BEGIN_KEY);
    int end = pem.indexOf(END_KEY);
    if (begin < 0 || end < begin) {
      throw new Unusable(
          begin < 0 && pem.contains(" PRIVATE KEY-----")
              ? "expected: an unencrypted PKCS #8 key" + TO_PKCS8
              : "expected: a private key in PEM; the file has no \""
                  + (begin < 0 ? BEGIN_KEY : END_KEY)
                  + "\"");
    }
    byte[] der;
    try {
      der = Base64.getMimeDecoder().decode(pem.substring(begin + BEGIN_KEY.length(), end));
    } catch (IllegalArgumentException broken) {
      throw new Unusable("expected: a private key in PEM; its base64 is invalid");
    }
    for (String algorithm : new String[] {"RSA", "EC"}) {
      try {
        return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(der));
      } catch (GeneralSecurityException another) {
        continue;
      }
    }
    throw new Unusable("expected: an RSA or EC private key");
  }

  /** Whether the keys belong together. */
  private static boolean belongs(PrivateKey key, PublicKey open) {
    try {
      Signature signature =
          Signature.getInstance(
              key.getAlgorithm().equals("RSA") ? "SHA256withRSA" : "SHA256withECDSA");
      byte[] said = "Task Runner".getBytes(StandardCharsets.US_ASCII);
      signature.initSign(key);
      signature.update(said);
      byte[] signed = signature.sign();
      signature.initVerify(open);
      signature.update(said);
      return signature.verify(signed);
    } catch (GeneralSecurityException ofAnotherKind) {
      return false;
    }
  }
}
