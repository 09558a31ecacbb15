package io.taskrunner.dispatch;

import io.taskrunner.config.Cidr;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;

/**
 * The operator's settings of attempts.
 *
 * @param version of this program, for {@code User-Agent}
 * @param allowPrivate {@code ALLOW_PRIVATE_URLS}
 * @param allowedCidrs {@code ALLOWED_CIDRS}
 * @param deniedCidrs {@code DENIED_CIDRS}
 * @param authorities trusted CAs of targets, in addition to those of this machine
 * @param connectTimeout time limit for connecting to a target, TLS handshake included
 * @param failuresCountFor a host's failure count is reset after this long without a failure
 * @param traced whether each attempt has a span, which its claim names; else a target gets a new
 *     parent id in the caller's trace
 */
public record DispatchOptions(
    String version,
    boolean allowPrivate,
    List<Cidr> allowedCidrs,
    List<Cidr> deniedCidrs,
    List<X509Certificate> authorities,
    Duration connectTimeout,
    Duration failuresCountFor,
    boolean traced) {

  /** Keeps the lists from being changed. */
  public DispatchOptions {
    allowedCidrs = List.copyOf(allowedCidrs);
    deniedCidrs = List.copyOf(deniedCidrs);
    authorities = List.copyOf(authorities);
  }
}
