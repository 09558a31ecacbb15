package io.taskrunner.dispatch;

import io.taskrunner.task.AttemptError;
import io.taskrunner.task.TargetUrl;
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
 * The addresses of targets: looks names up, allows or rejects their addresses, and remembers the
 * result for a short time. Never blocks. Thread-safe.
 */
final class Resolver implements AutoCloseable {

  private static final Duration LOOK_UP_TIMEOUT = Duration.ofSeconds(5);
  private static final long GOOD_FOR_MS = 10_000;
  private static final long BAD_FOR_MS = 1_000;
  private static final int KNOWN_MAX = 10_000;

  /** The result of a look-up: the addresses, all of them allowed, or the failure. */
  record Judged(
      List<InetAddress> addresses,
      @Nullable AttemptError error,
      String detail,
      long atMs,
      long forMs) {}

  private final Names names;
  private final AddressGuard guard;
  private final InstantSource clock;
  private final Map<String, CompletableFuture<Judged>> lookUps = new ConcurrentHashMap<>();
  private final Map<String, Judged> known =
      new LinkedHashMap<>(); // in the order of look-ups; guarded by itself

  /** Owns the names, and closes them. */
  Resolver(Names names, AddressGuard guard, InstantSource clock) {
    this.names = names;
    this.guard = guard;
    this.clock = clock;
  }

  /** The addresses of a url; null when its name must be looked up. */
  @Nullable Judged known(TargetUrl url) {
    Judged judged = recent(url.host());
    if (judged != null || url.address().isEmpty()) {
      return judged;
    }
    return remember(url.host(), judge(url.host(), List.of(url.address().get())));
  }

  /**
   * Looks a name up; concurrent look-ups of the name share the result. Never completes
   * exceptionally.
   */
  CompletableFuture<Judged> lookUp(String host) {
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
  void forget(String host) {
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
        String why = host + ": " + at + " is not allowed: it is " + refusal.get();
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
              "the name lookup took longer than " + LOOK_UP_TIMEOUT.toSeconds() + " s";
          case Names.NoAnswer none -> String.valueOf(none.getMessage());
          case null, default -> "the name cannot be found";
        };
    return unreachable(AttemptError.CONNECT_FAILED, host + ": " + why);
  }

  private Judged unreachable(AttemptError error, String detail) {
    return new Judged(List.of(), error, detail, clock.millis(), BAD_FOR_MS);
  }

  @Override
  public void close() {
    try {
      names.close();
    } catch (Exception alreadyClosed) {
      // nothing left to close
    }
  }
}
