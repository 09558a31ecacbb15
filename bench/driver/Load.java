package driver;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * What wrk did: POSTs over 64 connections, the next on each as soon as the last is answered (closed
 * loop).
 *
 * @param accepted answers below 400
 * @param refused other answers
 * @param broken requests that got none
 * @param seconds how long it sent
 */
record Load(long accepted, long refused, long broken, double seconds) {
  static final int CONNECTIONS = 64;

  private static final String SCRIPT =
      """
      wrk.method = "POST"
      wrk.headers["Content-Type"] = "application/json"
      wrk.body = [==[%s]==]
      if wrk.body:find("{n:%%d+}") then
        local template = wrk.body
        request = function()
          return wrk.format(nil, nil, nil, (template:gsub("{n:(%%d+)}", math.random)))
        end
      end
      function done(summary)
        local e = summary.errors
        local broken = e.connect + e.read + e.write + e.timeout
        print("RESULT", summary.requests, e.status, broken, summary.duration)
      end
      """;

  /**
   * Runs it.
   *
   * @param body in which {@code {n:100}} is replaced by a random number from 1 to 100 in each request
   */
  static Load run(Path wrk, Path folder, String url, String body, int seconds)
      throws IOException, InterruptedException {
    Path script = Files.writeString(folder.resolve("load.lua"), SCRIPT.formatted(body));
    var process =
        Running.start(
            "wrk",
            folder,
            List.of(
                wrk.toString(),
                "-t1",
                "-c" + CONNECTIONS,
                "-d" + seconds + "s",
                "-s",
                script.toString(),
                url),
            folder,
            Map.of());
    if (process.exit(seconds + 30, TimeUnit.SECONDS) != 0) {
      throw new IOException("wrk failed\n" + process.tail());
    }
    String line =
        process.output().lines().filter(l -> l.startsWith("RESULT\t")).findFirst().orElseThrow();
    String[] numbers = line.split("\t");
    long answers = Long.parseLong(numbers[1]);
    long refused = Long.parseLong(numbers[2]);
    return new Load(
        answers - refused, refused, Long.parseLong(numbers[3]), Long.parseLong(numbers[4]) / 1e6);
  }
}
