package io.taskrunner.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.linecorp.armeria.common.util.EventLoopGroups;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.netty.channel.EventLoopGroup;
import io.taskrunner.config.ApiSettings;
import io.taskrunner.config.ApiSettings.Access;
import io.taskrunner.config.DashboardSettings;
import io.taskrunner.config.Secret;
import io.taskrunner.config.ServerSettings;
import io.taskrunner.config.ServerSettings.Mode;
import io.taskrunner.config.TlsSettings;
import io.taskrunner.store.PageTokens;
import io.taskrunner.store.Stores;
import io.taskrunner.store.TokenKeys;
import io.taskrunner.telemetry.Build;
import io.taskrunner.telemetry.Probe;
import io.taskrunner.testkit.HeldTokens;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** A server on a port of its own, and a client that sends exactly the given bytes. */
final class Served implements AutoCloseable {

  static final String ADMIN = "an-admin-key";

  static final String METRICS = "a-metrics-token";

  private static final ObjectMapper JSON = new ObjectMapper();

  private static final int PATIENCE_MILLIS = 20_000;

  final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  final TokenKeys tokens =
      new TokenKeys(
          new HeldTokens(InstantSource.system()),
          List.of(),
          Optional.empty(),
          Duration.ofDays(90),
          new SecureRandom());
  final ApiServer server;
  private final String prefix;
  private final EventLoopGroup eventLoops = EventLoopGroups.newEventLoopGroup(1);

  /** The setup of a server. */
  record Setup(
      boolean dev,
      Mode mode,
      String bind,
      String prefix,
      Optional<String> adminKey,
      Access clientAuth,
      int bodyMax,
      List<Probe> probes,
      Optional<TlsSettings> tls) {

    static Setup serve() {
      return of(false, "0.0.0.0", Optional.of(ADMIN));
    }

    static Setup local() {
      return of(true, "127.0.0.1", Optional.empty());
    }

    private static Setup of(boolean dev, String bind, Optional<String> adminKey) {
      return new Setup(
          dev, Mode.BOTH, bind, "", adminKey, Access.OPEN, 1 << 20, List.of(), Optional.empty());
    }

    Setup mode(Mode other) {
      return new Setup(dev, other, bind, prefix, adminKey, clientAuth, bodyMax, probes, tls);
    }

    Setup prefix(String other) {
      return new Setup(dev, mode, bind, other, adminKey, clientAuth, bodyMax, probes, tls);
    }

    Setup withoutAdminKey() {
      return new Setup(dev, mode, bind, prefix, Optional.empty(), clientAuth, bodyMax, probes, tls);
    }

    Setup adminKey(String key) {
      return new Setup(dev, mode, bind, prefix, Optional.of(key), clientAuth, bodyMax, probes, tls);
    }

    Setup required() {
      return new Setup(dev, mode, bind, prefix, adminKey, Access.REQUIRED, bodyMax, probes, tls);
    }

    Setup probes(Probe... others) {
      return new Setup(
          dev, mode, bind, prefix, adminKey, clientAuth, bodyMax, List.of(others), tls);
    }

    Setup tls(TlsSettings files) {
      return new Setup(
          dev, mode, bind, prefix, adminKey, clientAuth, bodyMax, probes, Optional.of(files));
    }
  }

  /** A received answer. */
  record Reply(int status, Map<String, String> headers, String body) {
    JsonNode json() {
      try {
        return JSON.readTree(body);
      } catch (IOException e) {
        throw new AssertionError("not JSON: " + body, e);
      }
    }

    String header(String name) {
      return headers.get(name.toLowerCase(Locale.ROOT));
    }

    String code() {
      return json().path("code").asText();
    }
  }

  Served(Setup setup, Stores stores) {
    prefix = setup.prefix();
    ServerSettings settings =
        new ServerSettings(
            setup.dev(), setup.mode(), 0, address(setup.bind()), setup.prefix(), setup.tls());
    ApiSettings api =
        new ApiSettings(
            setup.adminKey().map(Secret::new),
            setup.clientAuth(),
            10_000,
            Optional.of(new Secret(METRICS)),
            setup.bodyMax(),
            Duration.ofHours(1),
            Duration.ofDays(1),
            Access.OPEN,
            false,
            Optional.empty(),
            new DashboardSettings(true, "a <test> \"here\""));
    ApiServer.Parts parts =
        new ApiServer.Parts(
            new Build("1.2.3", "abc", "2026-01-01T00:00:00Z"),
            stores,
            tokens,
            new PageTokens(offered -> offered, new SecureRandom(), InstantSource.system()),
            setup.probes(),
            registry,
            Optional.empty(),
            Optional.empty());
    server = new ApiServer(settings, api, 5, parts, eventLoops);
    server.start();
  }

  private static InetAddress address(String text) {
    try {
      return InetAddress.getByName(text);
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException(e);
    }
  }

  Reply get(String path, String... headers) {
    return call("GET", path, null, headers);
  }

  Reply post(String path, String body, String... headers) {
    return call("POST", path, body, headers);
  }

  /**
   * Sends one call on a connection of its own.
   *
   * @throws AssertionError the answer does not match openapi.json
   */
  Reply call(String method, String path, String body, String... headers) {
    StringBuilder head = new StringBuilder(method + " " + path + " HTTP/1.1\r\n");
    boolean host = false;
    boolean length = false;
    for (int i = 0; i < headers.length; i += 2) {
      head.append(headers[i]).append(": ").append(headers[i + 1]).append("\r\n");
      host |= headers[i].equalsIgnoreCase("host");
      length |=
          headers[i].equalsIgnoreCase("content-length")
              || headers[i].equalsIgnoreCase("transfer-encoding");
    }
    if (!host) {
      head.append("Host: localhost\r\n");
    }
    byte[] bytes = body == null ? new byte[0] : body.getBytes(StandardCharsets.UTF_8);
    if (body != null && !length) {
      head.append("Content-Length: ").append(bytes.length).append("\r\n");
    }
    head.append("Connection: close\r\n\r\n");
    Reply reply = raw(head.toString(), bytes);
    if (path.startsWith(prefix)) {
      Contract.OF_THIS_BUILD.check(method, path.substring(prefix.length()), body, reply);
    }
    return reply;
  }

  /** Sends bytes, and reads one answer. */
  Reply raw(String head, byte[] body) {
    try (Socket socket = connect()) {
      OutputStream out = socket.getOutputStream();
      out.write(head.getBytes(StandardCharsets.ISO_8859_1));
      out.write(body);
      out.flush();
      return read(socket.getInputStream(), !head.startsWith("HEAD "));
    } catch (IOException e) {
      throw new AssertionError("no answer to " + head, e);
    }
  }

  Socket connect() throws IOException {
    Socket socket = new Socket("127.0.0.1", server.port());
    socket.setSoTimeout(PATIENCE_MILLIS);
    return socket;
  }

  /** Reads one answer, up to its own length. */
  static Reply read(InputStream in, boolean withBody) throws IOException {
    StringBuilder head = new StringBuilder();
    while (head.indexOf("\r\n\r\n") < 0) {
      int next = in.read();
      if (next < 0) {
        throw new IOException("no complete response: " + head);
      }
      head.append((char) next);
    }
    List<String> lines = new ArrayList<>(List.of(head.toString().strip().split("\r\n")));
    int status = Integer.parseInt(lines.removeFirst().split(" ")[1]);
    Map<String, String> headers = new LinkedHashMap<>();
    for (String line : lines) {
      int colon = line.indexOf(':');
      headers.put(
          line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).strip());
    }
    int length = withBody ? Integer.parseInt(headers.getOrDefault("content-length", "0")) : 0;
    return new Reply(status, headers, new String(in.readNBytes(length), StandardCharsets.UTF_8));
  }

  @Override
  public void close() {
    server.stop();
    eventLoops.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly();
  }
}
