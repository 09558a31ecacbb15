package io.taskrunner.dispatch;

import io.netty.channel.EventLoopGroup;
import io.netty.resolver.ResolvedAddressTypes;
import io.netty.resolver.dns.DnsNameResolver;
import io.netty.resolver.dns.DnsNameResolverBuilder;
import io.netty.resolver.dns.DnsNameResolverChannelStrategy;
import io.netty.resolver.dns.DnsServerAddressStreamProvider;
import io.netty.resolver.dns.DnsServerAddressStreamProviders;
import io.netty.resolver.dns.NoopDnsCache;
import io.netty.resolver.dns.NoopDnsCnameCache;
import io.netty.util.concurrent.Future;
import java.net.InetAddress;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * Names as the machine's {@code resolv.conf} and hosts file give them.
 *
 * <p>Each look-up asks for IPv4 and IPv6 addresses and waits for both, since every address of a
 * name is judged. Nothing is kept here: a cache of single records would answer with some of a
 * name's addresses once the others have run out. Each question leaves by a port of its own, which
 * makes a forged answer unlikely (RFC 5452).
 */
final class Dns implements Names {

  /** Three servers, or three tries, within a look-up's 5 s. */
  private static final long QUERY_TIMEOUT_MS = 1500;

  private final DnsNameResolver resolver;

  Dns(EventLoopGroup loops) {
    this(loops, DnsServerAddressStreamProviders.platformDefault());
  }

  Dns(EventLoopGroup loops, DnsServerAddressStreamProvider servers) {
    Transport transport = Transport.of(loops);
    resolver =
        new DnsNameResolverBuilder(loops.next())
            .nameServerProvider(servers)
            .datagramChannelType(transport.datagram())
            .socketChannelType(transport.socket()) // for answers too long for a datagram
            .datagramChannelStrategy(DnsNameResolverChannelStrategy.ChannelPerResolution)
            .resolveCache(NoopDnsCache.INSTANCE)
            .cnameCache(NoopDnsCnameCache.INSTANCE)
            .queryTimeoutMillis(QUERY_TIMEOUT_MS)
            .resolvedAddressTypes(ResolvedAddressTypes.IPV4_PREFERRED)
            .completeOncePreferredResolved(false)
            .build();
  }

  @Override
  public CompletionStage<List<InetAddress>> lookUp(String name) {
    CompletableFuture<List<InetAddress>> addresses = new CompletableFuture<>();
    resolver
        .resolveAll(name)
        .addListener((Future<List<InetAddress>> found) -> {
          if (found.isSuccess()) {
            addresses.complete(found.getNow());
          } else {
            addresses.completeExceptionally(found.cause());
          }
        });
    return addresses;
  }

  @Override
  public void close() {
    resolver.close();
  }
}
