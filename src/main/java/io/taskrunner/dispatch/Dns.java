package io.taskrunner.dispatch;

import io.netty.channel.EventLoopGroup;
import io.netty.resolver.ResolvedAddressTypes;
import io.netty.resolver.dns.DnsNameResolver;
import io.netty.resolver.dns.DnsNameResolverBuilder;
import io.netty.resolver.dns.DnsNameResolverChannelStrategy;
import io.netty.util.concurrent.Future;
import java.net.InetAddress;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * Names as the machine's {@code resolv.conf} and hosts file give them, kept as long as they say but
 * a minute at most.
 */
final class Dns implements Names {

  private static final int TTL_MAX_SEC = 60;
  private static final int NEGATIVE_TTL_SEC = 1;
  private static final long QUERY_TIMEOUT_MS =
      1500; // three servers, or three tries, within the look-up's 5 s

  private final DnsNameResolver resolver;

  Dns(EventLoopGroup loops) {
    Transport transport = Transport.of(loops);
    resolver =
        new DnsNameResolverBuilder(loops.next())
            .datagramChannelType(transport.datagram())
            .socketChannelType(transport.socket()) // for answers too long for a datagram
            .datagramChannelStrategy(
                DnsNameResolverChannelStrategy
                    .ChannelPerResolution) // a new port each time: RFC 5452
            .ttl(0, TTL_MAX_SEC)
            .negativeTtl(NEGATIVE_TTL_SEC)
            .queryTimeoutMillis(QUERY_TIMEOUT_MS)
            .resolvedAddressTypes(ResolvedAddressTypes.IPV4_PREFERRED)
            .completeOncePreferredResolved(
                false) // every address is judged, not only the first kind that comes
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
