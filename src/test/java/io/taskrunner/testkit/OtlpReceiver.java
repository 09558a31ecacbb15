package io.taskrunner.testkit;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.common.v1.AnyValue;
import io.opentelemetry.proto.common.v1.KeyValue;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.zip.GZIPInputStream;

/** A collector of OpenTelemetry: receives spans by OTLP over HTTP in protobuf, and keeps them. */
public final class OtlpReceiver implements AutoCloseable {

  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(30);

  private final HttpServer server;
  private final List<Span> spans = new ArrayList<>(); // guarded by this

  /**
   * A received span.
   *
   * @param trace its trace's id in hexadecimal
   * @param id its own
   * @param parent its parent's; empty for none
   * @param links the ids of spans that it is linked to
   * @param kind such as {@code SPAN_KIND_SERVER}
   * @param attributes values as text
   * @param failed whether its status is an error
   * @param service {@code service.name}
   */
  public record Span(
      String trace,
      String id,
      String parent,
      List<String> links,
      String name,
      String kind,
      Map<String, String> attributes,
      boolean failed,
      String service) {}

  private OtlpReceiver(HttpServer server) {
    this.server = server;
  }

  /** Starts one on a free port of 127.0.0.1. */
  public static OtlpReceiver start() throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0), 16);
    OtlpReceiver receiver = new OtlpReceiver(server);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.createContext("/v1/traces", receiver::take);
    server.start();
    return receiver;
  }

  /** Host and port, without a scheme. */
  public String address() {
    return "127.0.0.1:" + server.getAddress().getPort();
  }

  private void take(HttpExchange call) throws IOException {
    boolean zipped = "gzip".equals(call.getRequestHeaders().getFirst("Content-Encoding"));
    var body = zipped ? new GZIPInputStream(call.getRequestBody()) : call.getRequestBody();
    keep(ExportTraceServiceRequest.parseFrom(body));
    call.sendResponseHeaders(200, -1);
    call.close();
  }

  private synchronized void keep(ExportTraceServiceRequest request) {
    request
        .getResourceSpansList()
        .forEach(resource -> {
          String service =
              attributes(resource.getResource().getAttributesList()).get("service.name");
          resource
              .getScopeSpansList()
              .forEach(
                  scope -> scope.getSpansList().forEach(span -> spans.add(read(span, service))));
        });
    notifyAll();
  }

  private static Span read(io.opentelemetry.proto.trace.v1.Span span, String service) {
    return new Span(
        hex(span.getTraceId().toByteArray()),
        hex(span.getSpanId().toByteArray()),
        hex(span.getParentSpanId().toByteArray()),
        span.getLinksList().stream().map(link -> hex(link.getSpanId().toByteArray())).toList(),
        span.getName(),
        span.getKind().name(),
        attributes(span.getAttributesList()),
        span.getStatus().getCode()
            == io.opentelemetry.proto.trace.v1.Status.StatusCode.STATUS_CODE_ERROR,
        service);
  }

  private static Map<String, String> attributes(List<KeyValue> all) {
    return all.stream().collect(Collectors.toMap(KeyValue::getKey, pair -> text(pair.getValue())));
  }

  private static String text(AnyValue value) {
    return value.hasIntValue() ? Long.toString(value.getIntValue()) : value.getStringValue();
  }

  private static String hex(byte[] bytes) {
    return HexFormat.of().formatHex(bytes);
  }

  /** Waits for a span. */
  public synchronized Span await(Predicate<Span> which) throws InterruptedException {
    long deadline = System.nanoTime() + PATIENCE_NANOS;
    while (true) {
      for (Span span : spans) {
        if (which.test(span)) {
          return span;
        }
      }
      long left = deadline - System.nanoTime();
      if (left <= 0) {
        throw new AssertionError("no such span came; there are " + spans);
      }
      TimeUnit.NANOSECONDS.timedWait(this, left);
    }
  }

  /** The received ones. */
  public synchronized List<Span> spans() {
    return List.copyOf(spans);
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
