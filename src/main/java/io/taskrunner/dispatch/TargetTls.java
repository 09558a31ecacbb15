package io.taskrunner.dispatch;

import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.ApplicationProtocolConfig.Protocol;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectedListenerFailureBehavior;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectorFailureBehavior;
import io.netty.handler.ssl.ApplicationProtocolNames;
import io.netty.handler.ssl.OpenSsl;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslProvider;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SNIServerName;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.StandardConstants;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/**
 * TLS to targets: trusted CAs, the requested and expected name, and the reasons of failures.
 *
 * <p>Names as in Compose and Kubernetes, without a dot or with an underscore, are sent as SNI like
 * all others (RFC 6066 §3). The JDK refuses to send or compare names that do not consist of
 * letters, digits and inner hyphens. Such names are sent by an engine of the JDK, because that of
 * OpenSSL accepts only the JDK's SNI objects, and are compared here, after the chain was verified
 * and before anything is sent.
 */
final class TargetTls implements AutoCloseable {

  private static final int DNS_NAME = 2;
  private static final List<String> HTTP_1 = List.of(ApplicationProtocolNames.HTTP_1_1);
  private static final List<String> HTTP_2_OR_1 =
      List.of(ApplicationProtocolNames.HTTP_2, ApplicationProtocolNames.HTTP_1_1);
  private static final Pattern ALERT = Pattern.compile("(?:ALERT_|fatal alert: )(\\w+)");

  /** A name without the checks of the JDK. */
  private static final class OddName extends SNIServerName {
    OddName(String name) {
      super(StandardConstants.SNI_HOST_NAME, name.getBytes(StandardCharsets.US_ASCII));
    }
  }

  /** The shared state of connections. */
  private record Kind(SslProvider provider, boolean onlyHttp1) {}

  private static final Kind USUAL =
      new Kind(OpenSsl.isAvailable() ? SslProvider.OPENSSL_REFCNT : SslProvider.JDK, false);

  private final List<X509Certificate> authorities;
  private final Map<Kind, SslContext> contexts = new ConcurrentHashMap<>();

  private TargetTls(List<X509Certificate> authorities) {
    this.authorities = authorities;
    contexts.put(USUAL, context(USUAL)); // the others are created when needed
  }

  /** Trusts the CAs of this machine, and these. */
  static TargetTls trusting(List<X509Certificate> authorities) {
    return new TargetTls(List.copyOf(authorities));
  }

  private SslContext context(Kind kind) {
    try {
      SslContextBuilder builder =
          SslContextBuilder.forClient()
              .sslProvider(kind.provider)
              .endpointIdentificationAlgorithm("HTTPS")
              .applicationProtocolConfig(
                  new ApplicationProtocolConfig(
                      Protocol.ALPN,
                      SelectorFailureBehavior.NO_ADVERTISE,
                      SelectedListenerFailureBehavior.ACCEPT,
                      kind.onlyHttp1 ? HTTP_1 : HTTP_2_OR_1));
      return (authorities.isEmpty() ? builder : builder.trustManager(trust(authorities))).build();
    } catch (GeneralSecurityException | IOException noTlsInThisJdk) {
      throw new IllegalStateException(noTlsInThisJdk);
    }
  }

  private static TrustManagerFactory trust(Collection<X509Certificate> more)
      throws GeneralSecurityException, IOException {
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init((KeyStore) null);
    List<X509Certificate> all = new ArrayList<>(more);
    for (TrustManager manager : trust.getTrustManagers()) {
      if (manager instanceof X509TrustManager machine) {
        all.addAll(List.of(machine.getAcceptedIssuers()));
      }
    }
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    for (int i = 0; i < all.size(); i++) {
      store.setCertificateEntry("authority-" + i, all.get(i));
    }
    trust.init(store);
    return trust;
  }

  /** Creates the handler of one connection. */
  SslHandler handler(ByteBufAllocator buffers, Peer peer, boolean onlyHttp1) {
    boolean odd = isOdd(peer);
    Kind kind = new Kind(odd ? SslProvider.JDK : USUAL.provider, onlyHttp1);
    String name = nameOf(peer);
    SslHandler handler =
        contexts.computeIfAbsent(kind, this::context).newHandler(buffers, name, peer.port());
    SSLEngine engine = handler.engine();
    SSLParameters parameters = engine.getSSLParameters();
    if (peer.named()) {
      parameters.setServerNames(List.of(odd ? new OddName(name) : new SNIHostName(name)));
    }
    if (odd) {
      parameters.setEndpointIdentificationAlgorithm("");
    }
    engine.setSSLParameters(parameters);
    return handler;
  }

  /**
   * Completes the check of the peer's identity, after a successful handshake.
   *
   * @throws SSLException the certificate is for another name
   */
  void verify(Peer peer, SSLEngine engine) throws SSLException {
    if (isOdd(peer)) {
      Certificate first = engine.getSession().getPeerCertificates()[0];
      if (!(first instanceof X509Certificate certificate) || !isFor(nameOf(peer), certificate)) {
        throw new SSLPeerUnverifiedException("No subject alternative DNS name matching");
      }
    }
  }

  /** RFC 9525 §6.3: one of its names, or one whose leftmost label is a star. */
  private static boolean isFor(String name, X509Certificate certificate) throws SSLException {
    int dot = name.indexOf('.');
    String wild = dot < 0 ? name : "*" + name.substring(dot);
    try {
      Collection<List<?>> names = certificate.getSubjectAlternativeNames();
      return names != null
          && names.stream()
              .filter(one -> one.get(0).equals(DNS_NAME))
              .map(one -> String.valueOf(one.get(1)))
              .anyMatch(one -> one.equalsIgnoreCase(name) || one.equalsIgnoreCase(wild));
    } catch (CertificateException unreadable) {
      throw new SSLException(unreadable);
    }
  }

  private static boolean isOdd(Peer peer) {
    if (!peer.named()) {
      return false;
    }
    try {
      var unused = new SNIHostName(nameOf(peer));
      return false;
    } catch (IllegalArgumentException refused) {
      return true;
    }
  }

  private static String nameOf(Peer peer) {
    String host = peer.host();
    return host.endsWith(".") ? host.substring(0, host.length() - 1) : host;
  }

  /** Why TLS failed, in a message for the task's owner. */
  static String whyNot(@Nullable Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      String text = String.valueOf(cause.getMessage());
      Matcher alert = ALERT.matcher(text);
      if (cause instanceof CertificateExpiredException) {
        return "the certificate has expired";
      } else if (cause instanceof CertificateNotYetValidException) {
        return "the certificate is not valid yet";
      } else if (text.contains("subject alternative") || text.startsWith("No name matching")) {
        return "the certificate is for another name";
      } else if (text.contains("not an SSL/TLS record")) {
        return "the target does not speak TLS";
      } else if (alert.find()) {
        String words = alert.group(1).toLowerCase(Locale.ROOT).replace('_', ' ');
        return "the target rejected it (" + words + ")";
      } else if (cause.getCause() == null && text.contains("certification path")) {
        return "the certificate is self-signed, or its authority is not trusted"
            + " (TARGET_CA_FILE adds authorities)";
      } else if (cause.getCause() == null && cause instanceof CertificateException) {
        return "the certificate cannot be trusted";
      }
    }
    return failure == null || failure instanceof ClosedChannelException
        ? "the target closed the connection"
        : "the target's part of it is invalid";
  }

  @Override
  public void close() {
    contexts.values().forEach(ReferenceCountUtil::release); // what still closes holds its own
  }
}
