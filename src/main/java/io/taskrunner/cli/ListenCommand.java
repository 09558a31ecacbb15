package io.taskrunner.cli;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** A target for trying things out: prints the requests that it receives, and answers as told. */
@Command(
    name = "listen",
    description = "Receive requests on a port of this machine, print and answer them.",
    footer = {
      "",
      "Examples:",
      "  task-runner listen 9000",
      "  task-runner listen 9000 --fail 30%% --delay 2s",
      "  task-runner listen 9000 --verify whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    })
final class ListenCommand implements Callable<Integer> {

  /** How much of a body is printed. */
  private static final int SHOWN_MAX = 1024;

  private static final int PORT_MAX = 65_535;

  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("HH:mm:ss").withZone(ZoneOffset.UTC);

  @Spec private CommandSpec spec = CommandSpec.create();

  @Mixin private final Common.Help help = new Common.Help();

  @Parameters(paramLabel = "PORT", description = "Port to listen on; 0 for any free one.")
  private int port;

  @Option(
      names = "--bind",
      paramLabel = "ADDRESS",
      description = "Address to listen on (default: 127.0.0.1).")
  private InetAddress bind = InetAddress.ofLiteral("127.0.0.1");

  @Option(
      names = "--status",
      paramLabel = "N",
      description = "HTTP status of the answers (default: 200).")
  private int status = 200;

  @Option(
      names = "--delay",
      paramLabel = "TIME",
      converter = Spans.Converter.class,
      description = "Wait before each answer, such as 500ms or 2s.")
  private Spans.@Nullable Seconds delay;

  @Option(
      names = "--fail",
      paramLabel = "PERCENT",
      converter = Spans.Share.class,
      description = "Answer this share of the requests with 503.")
  private double fail;

  @Option(
      names = "--verify",
      paramLabel = "SECRET",
      split = ",",
      description =
          "Answer with 401 unless the request is signed with this whsec_… or whpk_…; can be repeated.")
  private List<String> keys = List.of();

  @Option(names = "--headers", description = "Print all headers.")
  private boolean all;

  @Option(
      names = "--times",
      paramLabel = "N",
      description = "Exit after this many requests (default: never).")
  private @Nullable Integer times;

  @Override
  public Integer call() throws Failure, InterruptedException {
    check();
    Surroundings around = ((Root) spec.root().userObject()).around();
    CountDownLatch left = new CountDownLatch(times == null ? Integer.MAX_VALUE : times);
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      HttpServer server = bound();
      server.setExecutor(threads);
      server.createContext(
          "/",
          exchange -> {
            try {
              answer(exchange, around);
            } catch (InterruptedException stopping) {
              Thread.currentThread().interrupt();
            } finally {
              exchange.close();
              left.countDown();
            }
          });
      server.start();
      print(
          around,
          "Listening on http://" + bind.getHostAddress() + ":" + server.getAddress().getPort());
      left.await();
      server.stop(0);
    }
    return 0;
  }

  private void check() throws Failure {
    if (port < 0 || port > PORT_MAX) {
      throw new Failure(Failure.MISUSED, "PORT: " + port + " (expected: 0 to 65535)");
    }
    if (status < 200 || status > 599) {
      throw new Failure(Failure.MISUSED, "--status: " + status + " (expected: 200 to 599)");
    }
    if (!keys.stream().allMatch(key -> key.matches("(whsec|whpk)_[A-Za-z0-9+/]+=*"))) {
      throw new Failure(
          Failure.MISUSED, "--verify: not a key (expected: whsec_ or whpk_ and base64)");
    }
  }

  private HttpServer bound() throws Failure {
    try {
      return HttpServer.create(new InetSocketAddress(bind, port), 0);
    } catch (BindException taken) {
      throw new Failure(
          Failure.REFUSED,
          "Port " + port + " cannot be used: " + taken.getMessage() + ". Choose another one.");
    } catch (IOException failed) {
      throw new Failure(Failure.REFUSED, "Port " + port + ": " + failed.getMessage());
    }
  }

  private void answer(HttpExchange exchange, Surroundings around)
      throws IOException, InterruptedException {
    byte[] body = exchange.getRequestBody().readAllBytes();
    Instant now = around.clock().instant();
    Headers headers = exchange.getRequestHeaders();
    String problem = keys.isEmpty() ? null : Signatures.problem(keys, headers::getFirst, body, now);
    int with =
        problem != null ? 401 : ThreadLocalRandom.current().nextDouble() < fail ? 503 : status;
    print(around, described(exchange, body, now, problem, with));
    if (delay != null) {
      TimeUnit.MILLISECONDS.sleep(delay.millis());
    }
    exchange.sendResponseHeaders(with, -1);
  }

  private String described(
      HttpExchange exchange, byte[] body, Instant now, @Nullable String problem, int with) {
    Headers headers = exchange.getRequestHeaders();
    StringBuilder text = new StringBuilder();
    text.append(TIME.format(now))
        .append(' ')
        .append(exchange.getRequestMethod())
        .append(' ')
        .append(exchange.getRequestURI());
    String retries = headers.getFirst("X-CloudTasks-TaskRetryCount");
    if (retries != null && retries.matches("\\d{1,6}")) {
      text.append(", attempt ").append(Integer.parseInt(retries) + 1);
    }
    text.append(", ").append(body.length).append(body.length == 1 ? " byte" : " bytes");
    if (!keys.isEmpty()) {
      text.append(problem == null ? ", signature valid" : ", signature INVALID: " + problem);
    }
    text.append(" -> ").append(with);
    if (all) {
      headers.forEach((name, values) ->
          values.forEach(value -> text.append("\n  ").append(name).append(": ").append(value)));
    }
    if (body.length > 0) {
      String shown = new String(body, 0, Math.min(body.length, SHOWN_MAX), StandardCharsets.UTF_8);
      text.append("\n  ").append(shown).append(body.length > SHOWN_MAX ? "…" : "");
    }
    return text.toString().replaceAll("[\\p{Cntrl}&&[^\n\t]]", "?");
  }

  private static synchronized void print(Surroundings around, String text) {
    around.out().println(text);
    around.out().flush();
  }
}
