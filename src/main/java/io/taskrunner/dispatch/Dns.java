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
 * Resolves names by the machine's {@code resolv.conf} and hosts file.
 *
 * <p>Each look-up asks for IPv4 and IPv6 addresses and waits for both, because every address of a
 * name is checked. Nothing is cached: a cache of single records would return some of a name's
 * addresses once the others have expired. Each query uses a separate port, which makes a forged
 * reply unlikely (RFC 5452). Every name in {@code localhost} is this machine (RFC 6761 §6.3).
 */
final class Dns implements Names {

  /** Three servers, or three tries, within a look-up's 5 s. */
  private static final long QUERY_TIMEOUT_MS = 1500;

  /**
   * A chain of 16 aliases, one per reply, as resolvers follow them, queried for both kinds of
   * addresses; and some retries.
   */
  private static final int QUERIES_MAX = 48;

  private static final String LOCALHOST = "localhost";

  private final DnsNameResolver resolver;

  Dns(EventLoopGroup loops) {
    this(loops, DnsServerAddressStreamProviders.platformDefault(), null);
  }

  /**
   * Resolves names by these servers.
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
            .socketChannelType(transport.socket()) // for replies too long for a datagram
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

  /**
   * No server may be responsible for a search domain: the result for the requested name decides.
   */
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
