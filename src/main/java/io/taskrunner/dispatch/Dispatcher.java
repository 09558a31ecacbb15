package io.taskrunner.dispatch;

import io.netty.channel.EventLoopGroup;
import io.taskrunner.config.DispatchSettings;
import io.taskrunner.dispatch.Resolver.Judged;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.task.AttemptError;
import java.net.InetAddress;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Performs attempts.
 *
 * <p>Never blocks: an attempt is started, and reports by {@link Sending#outcome}. The caller limits
 * the number of concurrent attempts. Thread-safe.
 */
public final class Dispatcher implements Performer, AutoCloseable {

  private static final int ADDRESSES_TRIED_MAX = 4;

  private final EventLoopGroup loops;
  private final Duration connectTimeout;
  private final Breaker breaker;
  private final Resolver resolver;
  private final Sending.Means means;
  private final Connections connections;

  /**
   * A dispatcher on shared event loops.
   *
   * @param clock for the breakers, and for responses without a date
   */
  public Dispatcher(DispatchOptions options, EventLoopGroup loops, InstantSource clock) {
    this(
        options,
        loops,
        clock,
        new Dns(loops),
        TargetTls.trusting(options.settings().authorities()));
  }

  Dispatcher(
      DispatchOptions options,
      EventLoopGroup loops,
      InstantSource clock,
      Names names,
      TargetTls tls) {
    this.loops = loops;
    DispatchSettings settings = options.settings();
    this.connectTimeout = settings.connectTimeout();
    AddressGuard guard =
        new AddressGuard(
            settings.allowPrivateUrls(), settings.allowedCidrs(), settings.deniedCidrs());
    this.resolver = new Resolver(names, guard, clock);
    this.breaker = new Breaker(settings.breaker().interval(), clock);
    TargetHeaders headers = new TargetHeaders(options.version(), options.traced());
    this.means =
        new Sending.Means(headers, breaker, clock, this::sendAfter, settings.excerptBytes());
    this.connections = new Connections(loops, tls);
  }

  /** Sends a request; the timeout covers look-up, connection, request and response. */
  @Override
  public Sending perform(Claim claim, Duration timeout) {
    Sending sending = new Sending(claim, timeout, means);
    send(sending);
    return sending;
  }

  /** A host's breaker opened or closed: resets its failure count. */
  public void resetFailures(String hostAndPort) {
    breaker.forget(hostAndPort);
  }

  /** Closes all connections; attempts in progress fail. To be called when there are none. */
  @Override
  public void close() {
    connections.close();
    resolver.close();
  }

  Connections connections() {
    return connections;
  }

  private void sendAfter(Sending sending, long pauseMs) {
    if (pauseMs == 0) {
      send(sending);
    } else {
      var unused = loops.next().schedule(() -> send(sending), pauseMs, TimeUnit.MILLISECONDS);
    }
  }

  private void send(Sending sending) {
    if (sending.isOver()) {
      return;
    }
    Judged judged = resolver.known(sending.url());
    if (judged != null) {
      go(sending, judged);
      return;
    }
    sending.watch(loops.next());
    resolver.lookUp(sending.url().host()).thenAccept(found -> go(sending, found));
  }

  private void go(Sending sending, Judged judged) {
    if (judged.error() != null) {
      sending.fail(judged.error(), judged.detail());
    } else {
      List<InetAddress> all = judged.addresses();
      List<InetAddress> tried = all.subList(0, Math.min(all.size(), ADDRESSES_TRIED_MAX));
      go(sending, tried, System.nanoTime() + connectTimeout.toNanos());
    }
  }

  /**
   * Connects to the first of the addresses, or else to the next, until {@code deadline}; each gets
   * its share of the time.
   */
  private void go(Sending sending, List<InetAddress> addresses, long deadline) {
    if (sending.isOver()) {
      return;
    }
    Peer peer = Peer.of(sending.url(), addresses.getFirst());
    Connection standing = connections.take(peer);
    if (standing != null) {
      standing
          .loop()
          .execute(() -> {
            sending.watch(standing.loop());
            if (!standing.send(sending)) {
              go(sending, addresses, deadline);
            }
          });
      return;
    }
    sending.watch(loops.next());
    connections.connect(
        peer,
        Duration.ofNanos((deadline - System.nanoTime()) / addresses.size()),
        new Waiter() {
          @Override
          public void ready(Connection connection) {
            if (!connection.send(sending)) {
              refused(peer + ": the target closed the connection immediately");
            }
          }

          @Override
          public void refused(String why) {
            sending.sendAgain(why, true);
          }

          @Override
          public void failed(AttemptError error, String detail) {
            if (addresses.size() > 1 && deadline - System.nanoTime() > 0) {
              go(sending, addresses.subList(1, addresses.size()), deadline);
            } else {
              resolver.forget(peer.host());
              sending.fail(error, detail);
            }
          }
        });
  }
}
