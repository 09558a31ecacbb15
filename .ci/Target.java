import com.sun.net.httpserver.HttpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A target for the smoke run: answers 200 to everything and writes down what it got, a line each.
 *
 * <p>java Target.java FILE; the port it listens on is written to FILE.port
 */
class Target {
  public static void main(String[] args) throws Exception {
    Path file = Path.of(args[0]);
    Files.writeString(file, "");
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          String body =
              new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
          String line =
              "%s %s %s %s%n"
                  .formatted(
                      exchange.getRequestMethod(),
                      exchange.getRequestURI(),
                      exchange.getRequestHeaders().getFirst("X-CloudTasks-TaskName"),
                      body);
          Files.writeString(file, line, StandardOpenOption.APPEND);
          exchange.sendResponseHeaders(200, -1);
          exchange.close();
        });
    server.start();
    Path part = Path.of(args[0] + ".part");
    Files.writeString(part, String.valueOf(server.getAddress().getPort()));
    Files.move(part, Path.of(args[0] + ".port"));
  }
}
