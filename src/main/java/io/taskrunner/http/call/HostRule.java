package io.taskrunner.http.call;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.DecoderResult;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http2.Http2ConnectionHandler;
import java.net.InetSocketAddress;
import java.util.List;

/**
 * The request target and {@code Host} of HTTP/1, as RFC 9112 defines them: a target in absolute
 * form is taken by its path, and its authority replaces the {@code Host} (section 3.2.2); an
 * HTTP/1.1 call without exactly one {@code Host} is refused (section 3.2). Its form is checked by
 * {@link Origins}, for HTTP/2 too.
 */
final class HostRule extends ChannelInboundHandlerAdapter {

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    if (message instanceof HttpRequest request && request.decoderResult().isSuccess()) {
      toOriginForm(request);
      checkHost(ctx, request);
    }
    ctx.fireChannelRead(message);
  }

  private static void toOriginForm(HttpRequest request) {
    String target = request.uri();
    int authority = authority(target);
    if (authority < 0) {
      return;
    }
    int path = authority;
    while (path < target.length() && "/?#".indexOf(target.charAt(path)) < 0) {
      path++;
    }
    String rest = target.substring(path);
    request.setUri(rest.startsWith("/") ? rest : "/" + rest);
    request.headers().set(HttpHeaderNames.HOST, target.substring(authority, path));
  }

  /** The start of the authority of a target in absolute form; -1 for another form. */
  private static int authority(String target) {
    for (String scheme : List.of("http://", "https://")) {
      if (target.regionMatches(true, 0, scheme, 0, scheme.length())) {
        return scheme.length();
      }
    }
    return -1;
  }

  private static void checkHost(ChannelHandlerContext ctx, HttpRequest request) {
    int hosts = request.headers().getAll(HttpHeaderNames.HOST).size();
    if (hosts == 0 && request.protocolVersion().compareTo(HttpVersion.HTTP_1_1) < 0) {
      // HTTP/1.0 has no Host: the call is for the server that it reached.
      if (ctx.channel().localAddress() instanceof InetSocketAddress here) {
        String address = here.getAddress().getHostAddress();
        request
            .headers()
            .set(HttpHeaderNames.HOST, address.indexOf(':') < 0 ? address : "[" + address + "]");
      }
    } else if (hosts != 1) {
      request.setDecoderResult(
          DecoderResult.failure(
              new Refusal(
                  Problem.malformed(
                      hosts == 0
                          ? "Host: missing (expected: one, as in HTTP/1.1)."
                          : "Host: given " + hosts + " times (expected: once)."))));
    }
  }

  /** A call may have asked for HTTP/2, which the connection then uses from here on. */
  @Override
  public void channelReadComplete(ChannelHandlerContext ctx) {
    if (ctx.pipeline().get(Http2ConnectionHandler.class) != null) {
      Wire.addRules(ctx.pipeline());
      ctx.fireChannelReadComplete();
      ctx.pipeline().remove(this);
    } else {
      ctx.fireChannelReadComplete();
    }
  }
}
