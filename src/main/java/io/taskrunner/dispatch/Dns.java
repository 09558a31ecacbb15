package io.taskrunner.dispatch;

import io.netty.channel.EventLoopGroup;
import io.netty.resolver.ResolvedAddressTypes;
import io.netty.resolver.dns.DnsNameResolver;
import io.netty.resolver.dns.DnsNameResolverBuilder;
import io.netty.resolver.dns.DnsNameResolverChannelStrategy;
import io.netty.resolver.dns.DnsNameResolverException;
import io.netty.resolver.dns.DnsServerAddressStreamProvider;
import io.netty.resolver.dns.DnsServerAddressStreamProviders;
import io.netty.resolver.dns.NoopDnsCache;
import io.netty.resolver.dns.NoopDnsCnameCache;
import io.netty.util.concurrent.Future;
import java.net.InetAddress;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * Names as the machine's {@code resolv.conf} and hosts file give them.
 *
 * <p>Each look-up asks for IPv4 and IPv6 addresses and waits for both, since every address of a
 * name is judged. Nothing is kept here: a cache of single records would answer with some of a
 * name's addresses once the others have run out. Each question leaves by a port of its own, which
 * makes a forged answer unlikely (RFC 5452). Every name in {@code localhost} is this machine (RFC
 * 6761 §6.3).
 */
final class Dns implements Names {

  /** Three servers, or three tries, within a look-up's 5 s. */
  private static final long QUERY_TIMEOUT_MS = 1500;

  /**
   * A chain of 16 aliases of which each answer gives one, as resolvers follow them, asked for both
   * kinds of addresses; and some tries.
   */
  private static final int QUERIES_MAX = 48;

  private static final String LOCALHOST = "localhost";

  private final DnsNameResolver resolver;

  Dns(EventLoopGroup loops) {
    this(loops, DnsServerAddressStreamProviders.platformDefault(), null);
  }

  /**
   * Names as these servers give them.
   *
   * @param searched domains in which names are looked for; null for those of the machine
   */
  Dns(
      EventLoopGroup loops,
      DnsServerAddressStreamProvider servers,
      @Nullable List<String> searched) {
    Transport transport = Transport.of(loops);
    DnsNameResolverBuilder builder = new DnsNameResolverBuilder(loops.next());
    resolver =
        (searched == null ? builder : builder.searchDomains(searched))
            .nameServerProvider(servers)
            .datagramChannelType(transport.datagram())
            .socketChannelType(transport.socket()) // for answers too long for a datagram
            .datagramChannelStrategy(DnsNameResolverChannelStrategy.ChannelPerResolution)
            .resolveCache(NoopDnsCache.INSTANCE)
            .cnameCache(NoopDnsCnameCache.INSTANCE)
            .maxQueriesPerResolve(QUERIES_MAX)
            .queryTimeoutMillis(QUERY_TIMEOUT_MS)
            .resolvedAddressTypes(ResolvedAddressTypes.IPV4_PREFERRED)
            .completeOncePreferredResolved(false)
            .build();
  }

  @Override
  public CompletionStage<List<InetAddress>> lookUp(String name) {
    CompletableFuture<List<InetAddress>> addresses = new CompletableFuture<>();
    resolver
        .resolveAll(isOfThisMachine(name) ? LOCALHOST : name)
        .addListener((Future<List<InetAddress>> found) -> {
          if (found.isSuccess()) {
            addresses.complete(found.getNow());
          } else {
            addresses.completeExceptionally(told(name, found.cause()));
          }
        });
    return addresses;
  }

  private static boolean isOfThisMachine(String name) {
    String bare = name.endsWith(".") ? name.substring(0, name.length() - 1) : name;
    return bare.equals(LOCALHOST) || bare.endsWith("." + LOCALHOST);
  }

  /** A search domain may be what nobody answers for: the name that was asked for tells. */
  private static Throwable told(String name, Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof DnsNameResolverException unanswered
          && DnsNameResolver.isTransportOrTimeoutError(failure)) {
        return new NoAnswer(unanswered.question().name());
      }
    }
    return DnsNameResolver.isTransportOrTimeoutError(failure) ? new NoAnswer(name) : failure;
  }

  @Override
  public void close() {
    resolver.close();
  }
}
