package io.taskrunner.app;

import com.sun.net.httpserver.HttpServer;
import io.taskrunner.cli.Cli;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.List;

/**
 * Runs commands of the client against a server with fixed answers, so that the JVM can write down
 * which classes a command needs ({@code -XX:AOTCacheOutput}): loading and checking them is most of
 * what a command costs.
 */
final class ClientTraining {

  private static final String TASK =
      """
      {"task_id":"01a20bf0-cef3-7000-91a8-f57354f1c000","client_id":"a-client","queue":"default",\
      "state":"succeeded","labels":{"a":"b"},"request":{"url":"http://h/","method":"POST",\
      "headers":{},"body":"x"},"created_time":"2026-01-31T12:00:02.162Z",\
      "scheduled_time":"2026-01-31T12:01:32.662Z","attempts":[{"number":1,"status":200,\
      "duration_ms":3}],"max_retries":null,"last_error":null,"status":"enqueued"}\
      """;

  private static final String QUEUE =
      "{\"name\":\"default\",\"paused\":false,\"weight\":3,\"stats\":{\"ready\":1}}";

  private static final String ANSWER =
      """
      {"tasks":[%s],"queues":[%s],"next_cursor":null,%s\
      """
          .formatted(TASK, QUEUE, TASK.substring(1));

  private static final List<String> COMMANDS =
      List.of(
          "tasks list --state dead --label a=b",
          "tasks show 01a20bf0-cef3-7000-91a8-f57354f1c000",
          "tasks cancel 01a20bf0-cef3-7000-91a8-f57354f1c000",
          "queues list",
          "queues show default",
          "queues set default --weight 3",
          "dead list",
          "stats --json",
          "enqueue http://h/ --client a-client --delay 10m --label a=b --body x");

  private ClientTraining() {}

  /**
   * Runs the training.
   *
   * @return the exit status
   */
  static int run() throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0), 0);
    byte[] answer = ANSWER.getBytes(StandardCharsets.UTF_8);
    server.createContext(
        "/",
        exchange -> {
          exchange.getRequestBody().readAllBytes();
          exchange.sendResponseHeaders(200, answer.length);
          exchange.getResponseBody().write(answer);
          exchange.close();
        });
    server.start();
    PrintStream out = System.out;
    System.setOut(new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8));
    int status = 0;
    for (String command : COMMANDS) {
      String words = command + " --url http://127.0.0.1:" + server.getAddress().getPort();
      status = Math.max(status, Cli.run(words.split(" ", -1), Clock.systemUTC()));
    }
    System.setOut(out);
    server.stop(0);
    return status;
  }
}
