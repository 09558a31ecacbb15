package io.taskrunner.dispatch;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.Http2FrameStream;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.util.AsciiString;
import io.taskrunner.task.TargetRequest;
import java.util.Locale;

/** A request on its HTTP/2 stream. Confined to the loop of its connection. */
final class Exchange {

  final Sending sending;
  final Http2FrameStream stream;
  final Answer answer;

  /** When it started, on the clock of {@link System#nanoTime}. */
  final long begun = System.nanoTime();

  /** Whether all of it was written. */
  boolean written;

  Exchange(Sending sending, Http2FrameStream stream) {
    this.sending = sending;
    this.stream = stream;
    this.answer = sending.newAnswer();
  }

  byte[] body() {
    return request().body();
  }

  /** The head of the request. */
  Http2Headers headers() {
    TargetRequest request = request();
    Http2Headers headers = new DefaultHttp2Headers();
    headers
        .method(request.method())
        .scheme(request.url().scheme())
        .authority(TargetHeaders.authority(request.url()))
        .path(request.url().pathAndQuery());
    sending.writeHeaders(
        (name, value) -> headers.add(AsciiString.cached(name.toLowerCase(Locale.ROOT)), value));
    if (body().length > 0 || TargetHeaders.expectsBody(request.method())) {
      headers.add(HttpHeaderNames.CONTENT_LENGTH, Integer.toString(body().length));
    }
    return headers;
  }

  private TargetRequest request() {
    return sending.claim().spec().request();
  }
}
