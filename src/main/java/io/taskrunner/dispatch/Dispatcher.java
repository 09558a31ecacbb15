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
 * <p>Never blocks: what is asked is begun, and told by {@link Sending#outcome}. How many attempts
 * run at once is up to the caller. Safe for use by many threads.
 */
public final class Dispatcher implements AutoCloseable {

  private static final Duration LOOK_UP_TIMEOUT = Duration.ofSeconds(5);
  private static final long GOOD_FOR_MS = 10_000;
  private static final long BAD_FOR_MS = 1_000;
  private static final int KNOWN_MAX = 10_000;
  private static final int ADDRESSES_TRIED_MAX = 4;

  /** What became of a name: its addresses, all of them judged and good, or the word on it. */
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
      new LinkedHashMap<>(); // in the order of looking up; guarded by itself

  /**
   * A dispatcher on event loops that it shares.
   *
   * @param clock for the breakers, and for answers that do not say their date
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

  /**
   * Begins an attempt.
   *
   * @param timeout for all of it: look-up, connection, request and answer
   */
  public Sending perform(Claim claim, Duration timeout) {
    Sending sending = new Sending(claim, timeout, this);
    send(sending);
    return sending;
  }

  /** A host's breaker opened or closed: failures until now count no more. */
  public void countAnew(String hostAndPort) {
    breaker.forget(hostAndPort);
  }

  /** Closes all connections; what is under way fails. To be called once nothing is. */
  @Override
  public void close() {
    connections.close();
    try {
      names.close();
    } catch (Exception alreadyClosed) {
      // nothing is left to be closed
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

  /** Does something after a pause, in ms. */
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
   * Looks a name up; those who ask for it meanwhile share the answer. Never completes
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
   * Goes to the first of the addresses, or else to the next, until {@code deadline}; each gets its
   * share of the time.
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

  /** The next attempt looks a name up anew whose addresses are all dead. */
  private void forget(String host) {
    synchronized (known) {
      known.remove(host);
    }
  }

  /**
   * A name is good when every address of it is: which of them a later look-up would put first is
   * anybody's guess.
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
