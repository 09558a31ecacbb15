package io.taskrunner.dispatch;

import io.netty.channel.EventLoopGroup;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.task.AttemptError;
import java.net.InetAddress;
import java.time.Duration;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Performs attempts.
 *
 * <p>Never blocks: an attempt is started, and reports by {@link Sending#outcome}. The caller limits
 * the number of concurrent attempts. Thread-safe.
 */
public final class Dispatcher implements Performer, AutoCloseable {

  private static final Duration LOOK_UP_TIMEOUT = Duration.ofSeconds(5);
  private static final long GOOD_FOR_MS = 10_000;
  private static final long BAD_FOR_MS = 1_000;
  private static final int KNOWN_MAX = 10_000;
  private static final int ADDRESSES_TRIED_MAX = 4;

  /** The result of a look-up: the addresses, all of them allowed, or the failure. */
  private record Judged(
      List<InetAddress> addresses,
      @Nullable AttemptError error,
      String detail,
      long atMs,
      long forMs) {}

  private final EventLoopGroup loops;
  private final InstantSource clock;
  private final Duration connectTimeout;
  private final AddressGuard guard;
  private final Breaker breaker;
  private final TargetHeaders headers;
  private final Names names;
  private final Connections connections;
  private final Map<String, CompletableFuture<Judged>> lookUps = new ConcurrentHashMap<>();
  private final Map<String, Judged> known =
      new LinkedHashMap<>(); // in the order of look-ups; guarded by itself

  /**
   * A dispatcher on shared event loops.
   *
   * @param clock for the breakers, and for responses without a date
   */
  public Dispatcher(DispatchOptions options, EventLoopGroup loops, InstantSource clock) {
    this(options, loops, clock, new Dns(loops), TargetTls.trusting(options.authorities()));
  }

  Dispatcher(
      DispatchOptions options,
      EventLoopGroup loops,
      InstantSource clock,
      Names names,
      TargetTls tls) {
    this.loops = loops;
    this.clock = clock;
    this.connectTimeout = options.connectTimeout();
    this.guard =
        new AddressGuard(options.allowPrivate(), options.allowedCidrs(), options.deniedCidrs());
    this.breaker = new Breaker(options.failuresCountFor(), clock);
    this.headers = new TargetHeaders(options.version(), options.traced());
    this.names = names;
    this.connections = new Connections(loops, tls);
  }

  /** Sends a request; the timeout covers look-up, connection, request and response. */
  @Override
  public Sending perform(Claim claim, Duration timeout) {
    Sending sending = new Sending(claim, timeout, this);
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
    try {
      names.close();
    } catch (Exception alreadyClosed) {
      // nothing left to close
    }
  }

  Connections connections() {
    return connections;
  }

  Breaker breaker() {
    return breaker;
  }

  TargetHeaders headers() {
    return headers;
  }

  InstantSource clock() {
    return clock;
  }

  /** Runs a task after a delay, in ms. */
  void later(Runnable what, long pauseMs) {
    var unused = loops.next().schedule(what, pauseMs, TimeUnit.MILLISECONDS);
  }

  /** Sends a request, or sends it again. */
  void send(Sending sending) {
    String host = sending.url().host();
    Judged judged = recent(host);
    if (judged == null) {
      judged =
          sending
              .url()
              .address()
              .map(literal -> remember(host, judge(host, List.of(literal))))
              .orElse(null);
    }
    if (judged != null) {
      go(sending, judged);
      return;
    }
    sending.watch(loops.next());
    lookUp(host).thenAccept(found -> go(sending, found));
  }

  /**
   * Looks a name up; concurrent look-ups of the name share the result. Never completes
   * exceptionally.
   */
  private CompletableFuture<Judged> lookUp(String host) {
    CompletableFuture<Judged> mine = new CompletableFuture<>();
    CompletableFuture<Judged> others = lookUps.putIfAbsent(host, mine);
    if (others != null) {
      return others;
    }
    CompletableFuture<List<InetAddress>> asked;
    try {
      asked = names.lookUp(host).toCompletableFuture();
    } catch (IllegalArgumentException noNameOfDns) {
      asked = CompletableFuture.failedFuture(noNameOfDns);
    }
    asked
        .orTimeout(LOOK_UP_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)
        .whenComplete((addresses, failure) -> {
          lookUps.remove(host);
          Judged judged = addresses == null ? notFound(host, failure) : judge(host, addresses);
          mine.complete(remember(host, judged));
        });
    return mine;
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
        new Connections.Waiter() {
          @Override
          public void ready(Connection connection) {
            if (!connection.send(sending)) {
              refused(peer + ": the target closed the connection at once");
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
              forget(peer.host());
              sending.fail(error, detail);
            }
          }
        });
  }

  private @Nullable Judged recent(String host) {
    long now = clock.millis();
    synchronized (known) {
      Judged judged = known.get(host);
      return judged != null && now - judged.atMs() < judged.forMs() && now >= judged.atMs()
          ? judged
          : null;
    }
  }

  private Judged remember(String host, Judged judged) {
    synchronized (known) {
      known.remove(host);
      known.put(host, judged);
      if (known.size() > KNOWN_MAX) {
        known.remove(known.keySet().iterator().next());
      }
    }
    return judged;
  }

  /** If all addresses of a name are dead, the next attempt looks it up again. */
  private void forget(String host) {
    synchronized (known) {
      known.remove(host);
    }
  }

  /**
   * A name is allowed when all its addresses are: the order of a later look-up is unpredictable.
   */
  private Judged judge(String host, List<InetAddress> addresses) {
    for (InetAddress address : addresses) {
      Optional<String> refusal = guard.refusal(address);
      if (refusal.isPresent()) {
        String at = address.getHostAddress();
        String why = host + ": " + at + " may not be reached: it is " + refusal.get();
        return unreachable(AttemptError.BLOCKED_ADDRESS, why);
      }
    }
    return addresses.isEmpty()
        ? unreachable(AttemptError.CONNECT_FAILED, host + ": the name has no address")
        : new Judged(List.copyOf(addresses), null, "", clock.millis(), GOOD_FOR_MS);
  }

  private Judged notFound(String host, @Nullable Throwable failure) {
    Throwable cause = failure instanceof CompletionException wrapped ? wrapped.getCause() : failure;
    String why =
        switch (cause) {
          case TimeoutException _ ->
              "the name look-up took longer than " + LOOK_UP_TIMEOUT.toSeconds() + " s";
          case Names.NoAnswer none -> String.valueOf(none.getMessage());
          case null, default -> "the name cannot be found";
        };
    return unreachable(AttemptError.CONNECT_FAILED, host + ": " + why);
  }

  private Judged unreachable(AttemptError error, String detail) {
    return new Judged(List.of(), error, detail, clock.millis(), BAD_FOR_MS);
  }
}
