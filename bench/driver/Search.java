package driver;

import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How soon the first page of {@code GET /v1/tasks} is there among many scheduled tasks with labels,
 * and how long the longest script was that it took.
 */
final class Search {
  private static final int BATCH = 1000;
  private static final int CALLERS = 4;
  private static final int PAGES = 100;
  private static final Pattern EXAMINED = Pattern.compile("\"examined\":(\\d+)");
  private static final Pattern TASK = Pattern.compile("\"task_id\":");
  private static final HttpClient CLIENT =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private final Service service;
  private final int count;

  private Search(Service service, int count) {
    this.service = service;
    this.count = count;
  }

  public static void main(String[] args) throws Exception {
    List<String> words = List.of(args);
    int count = 1_000_000;
    if (words.contains("--tasks")) {
      count = Integer.parseInt(words.get(words.indexOf("--tasks") + 1));
    }
    Path launcher =
        Path.of(System.getenv().getOrDefault("TASK_RUNNER", "../task-runner")).toRealPath();
    Path server = Path.of(System.getenv().getOrDefault("REDIS_SERVER", "redis-server"));
    Path folder = Files.createTempDirectory("search");
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(() -> {
              Running.stopAll();
              Bench.delete(folder);
            }));
    Bench.build(launcher, folder);
    Search search = new Search(Service.taskRunner(launcher, server, folder), count);
    search.load();
    search.measure();
  }

  /** Each task has a label of its own, one in a hundredth of them, and one in all. */
  private void load() throws Exception {
    long bytes = Redis.dataBytes(service.redis().info());
    Instant due = Instant.now().plus(20, ChronoUnit.DAYS).truncatedTo(ChronoUnit.MILLIS);
    AtomicInteger next = new AtomicInteger();
    long from = System.nanoTime();
    try (var callers = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Callable<Void>> all = new ArrayList<>();
      for (int i = 0; i < CALLERS; i++) {
        all.add(() -> {
          for (int first; (first = next.getAndAdd(BATCH)) < count; ) {
            enqueue(first, due);
          }
          return null;
        });
      }
      for (var done : callers.invokeAll(all)) {
        done.get();
      }
    }
    System.out.printf(
        Locale.ROOT,
        "%,d tasks in %.0f s, %.0f bytes each%n%n",
        count,
        (System.nanoTime() - from) / 1e9,
        (Redis.dataBytes(service.redis().info()) - bytes) / (double) count);
  }

  private void enqueue(int first, Instant due) throws IOException, InterruptedException {
    StringBuilder json = new StringBuilder("{\"tasks\":[");
    for (int n = first; n < first + BATCH; n++) {
      json.append(n == first ? "" : ",")
          .append(
              """
              {"client_id":"bench","schedule_time":"%s","task":{"url":"http://h%d.example/x"},\
              "labels":{"order":"%d","region":"r%d","env":"prod"}}\
              """
                  .formatted(due, n % 1000, n, n % 100));
    }
    HttpResponse<String> answer =
        CLIENT.send(
            HttpRequest.newBuilder(uri("/v1/enqueue/batch"))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(json.append("]}").toString()))
                .build(),
            HttpResponse.BodyHandlers.ofString());
    if (answer.statusCode() / 100 != 2 || answer.body().contains("\"problem\"")) {
      throw new IOException(answer.statusCode() + " " + answer.body());
    }
  }

  private URI uri(String path) {
    return URI.create("http://127.0.0.1:" + service.port() + path);
  }

  private void measure() throws Exception {
    service.redis().send("CONFIG SET latency-tracking-info-percentiles 100");
    System.out.println(
        "| filter | found | examined | first page, ms: p50 | p99 | longest script, ms |");
    System.out.println("| --- | ---: | ---: | ---: | ---: | ---: |");
    String middle = "order:" + count / 2;
    for (String filter :
        List.of(
            label(middle),
            label("order:none"),
            label("region:r7"),
            label("env:prod"),
            label(middle) + "&state=scheduled",
            label(middle) + "&state=dead",
            label("env:prod") + "&state=scheduled&queue=default",
            label("env:prod") + "&state=dead",
            label("env:prod") + "&host=h7.example",
            label("env:prod") + "&client_id=other",
            "state=scheduled",
            "state=scheduled&host=h7.example",
            "host=none.example")) {
      measure(filter);
    }
  }

  private static String label(String text) {
    return "label=" + URLEncoder.encode(text, StandardCharsets.UTF_8);
  }

  private void measure(String filter) throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(uri("/v1/tasks?limit=50&" + filter))
            .header("X-Admin-Key", service.adminKey())
            .build();
    List<Double> millis = new ArrayList<>();
    String body = "";
    service.redis().send("CONFIG RESETSTAT");
    for (int i = 0; i < PAGES; i++) {
      long from = System.nanoTime();
      HttpResponse<String> answer = CLIENT.send(request, HttpResponse.BodyHandlers.ofString());
      millis.add((System.nanoTime() - from) / 1e6);
      if (answer.statusCode() != 200) {
        throw new IOException(answer.statusCode() + " " + answer.body());
      }
      body = answer.body();
    }
    String longest = service.redis().info().get("latency_percentiles_usec_evalsha"); // search.lua
    Matcher examined = EXAMINED.matcher(body);
    System.out.printf(
        Locale.ROOT,
        "| `%s` | %d | %s | %.1f | %.1f | %.1f |%n",
        filter,
        TASK.matcher(body).results().count(),
        examined.find() ? examined.group(1) : "",
        Results.percentile(millis, 50),
        Results.percentile(millis, 99),
        Double.parseDouble(longest.substring(longest.indexOf('=') + 1)) / 1000);
  }
}
