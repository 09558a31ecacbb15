package io.taskrunner.http;

import com.linecorp.armeria.common.TlsKeyPair;
import com.linecorp.armeria.common.TlsProvider;
import io.taskrunner.config.InvalidSettings;
import io.taskrunner.config.TlsSettings;
import io.taskrunner.telemetry.Probe;
import java.security.cert.X509Certificate;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The certificate for TLS clients. Its files are read again every minute: a renewed certificate
 * applies to new connections, and existing ones stay. Unusable files leave the current certificate
 * in use; that is logged once for each error.
 */
final class ServerCertificate implements TlsProvider, Probe {

  private static final Logger LOG = LoggerFactory.getLogger(ServerCertificate.class);
  private static final long EVERY_SECONDS = 60;

  private final TlsSettings files;
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("certificate").factory());
  private volatile TlsKeyPair held;
  private volatile String fault = "";

  private ServerCertificate(TlsSettings files) {
    this.files = files;
    this.held = read(files);
  }

  /**
   * Reads the files, and from then on every minute until it is closed.
   *
   * @throws InvalidSettings they cannot be used
   */
  static ServerCertificate begin(TlsSettings files) {
    ServerCertificate certificate = new ServerCertificate(files);
    LOG.info("TLS is enabled. {}", describe(certificate.held));
    certificate.timer.scheduleWithFixedDelay(
        certificate::look, EVERY_SECONDS, EVERY_SECONDS, TimeUnit.SECONDS);
    return certificate;
  }

  /** Loads the files if they have changed and can be used. */
  void look() {
    try {
      TlsKeyPair now = read(files);
      fault = "";
      if (!now.equals(held)) {
        held = now;
        LOG.info("the TLS certificate was renewed. {}", describe(now));
      }
    } catch (InvalidSettings unusable) {
      String found = String.valueOf(unusable.getMessage());
      if (!found.equals(fault)) {
        fault = found;
        LOG.warn(
            "the renewed TLS files cannot be used, and the previous certificate stays in use: {}",
            found);
      }
    } catch (RuntimeException bug) {
      LOG.error("unexpected error while reading the TLS files", bug);
    }
  }

  private static TlsKeyPair read(TlsSettings files) {
    TlsSettings.Identity identity = files.load();
    return TlsKeyPair.of(identity.key(), identity.chain());
  }

  private static String describe(TlsKeyPair pair) {
    X509Certificate first = pair.certificateChain().getFirst();
    return "The certificate of "
        + first.getSubjectX500Principal().getName()
        + " is valid until "
        + first.getNotAfter().toInstant()
        + ".";
  }

  @Override
  public TlsKeyPair keyPair(String hostname) {
    return held;
  }

  @Override
  public String name() {
    return "certificate";
  }

  /** An expired certificate is for callers to reject: a restart would not repair it. */
  @Override
  public boolean healthy() {
    return true;
  }

  @Override
  public String detail() {
    return describe(held) + (fault.isEmpty() ? "" : " Its files cannot be used: " + fault);
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }
}
