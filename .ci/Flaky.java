import com.sun.net.httpserver.HttpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * In front of a server for the examples: rejects the first call of each idempotency key with 503, the second with 429, forwards the
 * third and loses its answer, and forwards the others.
 *
 * <p>java Flaky.java SERVER FILE; the port it listens on is written to FILE.
 */
class Flaky {
  public static void main(String[] args) throws Exception {
    HttpClient http = HttpClient.newHttpClient();
    Map<String, Integer> calls = new HashMap<>();
    HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          int call = calls.merge(exchange.getRequestHeaders().getFirst("Idempotency-Key"), 1, Integer::sum);
          byte[] body = exchange.getRequestBody().readAllBytes();
          exchange.getResponseHeaders().set("Content-Type", "application/json");
          if (call <= 2) {
            exchange.getResponseHeaders().set("Retry-After", "1");
            byte[] answer = "{\"code\": \"test\", \"detail\": \"Try again.\"}".getBytes();
            exchange.sendResponseHeaders(call == 1 ? 503 : 429, answer.length);
            exchange.getResponseBody().write(answer);
          } else {
            HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create(args[0] + exchange.getRequestURI()))
                    .method(exchange.getRequestMethod(), HttpRequest.BodyPublishers.ofByteArray(body));
            for (String name : new String[] {"Authorization", "Content-Type", "Idempotency-Key"}) {
              request.header(name, exchange.getRequestHeaders().getFirst(name));
            }
            try {
              var answer = http.send(request.build(), BodyHandlers.ofByteArray());
              if (call > 3) {
                exchange.sendResponseHeaders(answer.statusCode(), answer.body().length);
                exchange.getResponseBody().write(answer.body());
              }
            } catch (InterruptedException stopping) {
              Thread.currentThread().interrupt();
            }
          }
          exchange.close();
        });
    server.start();
    Path part = Path.of(args[1] + ".part");
    Files.writeString(part, String.valueOf(server.getAddress().getPort()));
    Files.move(part, Path.of(args[1]));
  }
}
