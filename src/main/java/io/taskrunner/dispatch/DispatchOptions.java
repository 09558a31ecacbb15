package io.taskrunner.dispatch;

import io.taskrunner.config.Cidr;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;

/**
 * What an operator may set about attempts.
 *
 * @param version of this program, for {@code User-Agent}
 * @param allowPrivate {@code ALLOW_PRIVATE_URLS}
 * @param allowedCidrs {@code ALLOWED_CIDRS}
 * @param deniedCidrs {@code DENIED_CIDRS}
 * @param authorities whom a target's certificate may be signed by, besides those that this machine
 *     trusts
 * @param connectTimeout until a connection stands, with its TLS handshake
 * @param failuresCountFor a count of a host's failures is forgotten after so long without one
 * @param traced whether each attempt has a span, whose place in the trace its claim names; else a
 *     target is told a place of its own in the caller's trace
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
