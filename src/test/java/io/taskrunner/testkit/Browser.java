package io.taskrunner.testkit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/**
 * A Chromium without a window, with one page. It reaches no host except this machine. The requests
 * of the page and its errors are recorded.
 *
 * <p>It is controlled by its DevTools protocol: numbered calls and their answers over a WebSocket,
 * and events in between.
 */
public final class Browser implements AutoCloseable {

  private static final List<String> NAMES =
      List.of("chromium", "chromium-browser", "google-chrome", "google-chrome-stable");

  private static final String LISTENS = "DevTools listening on ";

  private static final int PATIENCE_SECONDS = 60;

  private static final Map<String, Integer> KEY_CODES = Map.of("Tab", 9, "Enter", 13, "Escape", 27);

  /** The script of axe; it is evaluated, not loaded, so that the page's policy permits it. */
  private static final String AXE = axe();

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Process process;
  private final HttpClient http = HttpClient.newHttpClient();
  private final WebSocket socket;
  private final AtomicInteger calls = new AtomicInteger();
  private final Map<Integer, CompletableFuture<JsonNode>> answers = new ConcurrentHashMap<>();
  private final List<String> requests = new CopyOnWriteArrayList<>();
  private final List<String> faults = new CopyOnWriteArrayList<>();
  private final String session;
  private volatile String[] rewritten = {};
  private volatile CompletableFuture<Void> loaded = new CompletableFuture<>();

  private Browser(Process process, String address) {
    this.process = process;
    this.socket = http.newWebSocketBuilder().buildAsync(URI.create(address), new Listener()).join();
    String page =
        send("", "Target.createTarget", JSON.createObjectNode().put("url", "about:blank"))
            .path("targetId")
            .asText();
    ObjectNode attach = JSON.createObjectNode().put("targetId", page).put("flatten", true);
    this.session = send("", "Target.attachToTarget", attach).path("sessionId").asText();
    for (String domain : List.of("Page", "Network", "Runtime", "Log")) {
      ask(domain + ".enable", JSON.createObjectNode());
    }
  }

  private static String axe() {
    try (InputStream script = Browser.class.getResourceAsStream("/axe.min.js")) {
      return new String(script.readAllBytes(), StandardCharsets.UTF_8) + "; undefined";
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A Chromium, or Chrome, of this machine; empty where none is on the path. */
  public static Optional<Path> installed() {
    return Stream.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
        .flatMap(folder -> NAMES.stream().map(name -> Path.of(folder, name)))
        .filter(Files::isExecutable)
        .filter(Browser::runs)
        .findFirst();
  }

  /** Not a stand-in that only prints installation instructions. */
  private static boolean runs(Path program) {
    try {
      Process process =
          new ProcessBuilder(program.toString(), "--version").redirectErrorStream(true).start();
      String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return process.onExit().join().exitValue() == 0 && said.contains("Chrom");
    } catch (IOException cannotBeRun) {
      return false;
    }
  }

  /**
   * Starts one with a profile of its own. It accepts any certificate of this machine.
   *
   * @throws IOException it does not start, or does not print its address
   */
  public static Browser start(Path program) throws IOException {
    Process process =
        new ProcessBuilder(
                program.toString(),
                "--headless=new",
                "--no-sandbox", // root may not have one, and only our own pages are opened
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-extensions",
                "--disable-background-networking",
                "--disable-component-update",
                "--no-first-run",
                "--ignore-certificate-errors",
                "--no-default-browser-check",
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
                "--remote-debugging-port=0",
                "--user-data-dir=" + Folders.temporary("browser"),
                "about:blank")
            .redirectErrorStream(true)
            .start();
    process.getOutputStream().close();
    try {
      return new Browser(process, address(process));
    } catch (IOException | RuntimeException | AssertionError e) {
      process.destroyForcibly();
      throw e;
    }
  }

  /** Its address, which it prints among other output; the rest is read and dropped. */
  private static String address(Process process) throws IOException {
    BufferedReader said = process.inputReader(StandardCharsets.UTF_8);
    StringBuilder before = new StringBuilder();
    for (String line = said.readLine(); line != null; line = said.readLine()) {
      if (line.startsWith(LISTENS)) {
        Thread.ofVirtual().start(() -> said.lines().forEach(_ -> {}));
        return line.substring(LISTENS.length());
      }
      before.append(line).append('\n');
    }
    throw new IOException("the browser ended and said: " + before);
  }

  /** Opens an address, and returns when the page and all its resources are loaded. */
  public void open(String url) {
    loaded = new CompletableFuture<>();
    JsonNode went = ask("Page.navigate", JSON.createObjectNode().put("url", url));
    if (went.has("errorText")) {
      throw new AssertionError(url + ": " + went.path("errorText").asText());
    }
    within(loaded, "loading " + url);
  }

  /**
   * The value of an expression of JavaScript in the page, as JSON. A promise is awaited.
   *
   * @throws AssertionError it throws, or its promise is rejected or not settled in time
   */
  public JsonNode evaluate(String expression) {
    JsonNode answer =
        ask(
            "Runtime.evaluate",
            JSON.createObjectNode()
                .put("expression", expression)
                .put("awaitPromise", true)
                .put("returnByValue", true));
    if (answer.has("exceptionDetails")) {
      throw new AssertionError(expression + ": " + answer.path("exceptionDetails"));
    }
    return answer.at("/result/value");
  }

  /** Waits until a condition in the page holds, which is checked whenever a frame is drawn. */
  public void await(String condition) {
    evaluate(
        "new Promise((kept) => { const look = () => (%s) ? kept(true) : requestAnimationFrame(look); look(); })"
            .formatted(condition));
  }

  /** Clicks on an element with the mouse, as a person would: it must be where it can be hit. */
  public void click(String selector) {
    JsonNode middle =
        evaluate(
            """
            (() => {
              const element = document.querySelector('%s');
              element.scrollIntoView({ block: "center", behavior: "instant" });
              const box = element.getBoundingClientRect();
              const x = box.left + box.width / 2, y = box.top + box.height / 2;
              return { x, y, hit: element.contains(document.elementFromPoint(x, y)) };
            })()
            """
                .formatted(selector));
    if (!middle.path("hit").asBoolean()) {
      throw new AssertionError(selector + " cannot be clicked on: " + middle);
    }
    for (String type : List.of("mousePressed", "mouseReleased")) {
      ask(
          "Input.dispatchMouseEvent",
          JSON.createObjectNode()
              .put("type", type)
              .put("x", middle.path("x").asDouble())
              .put("y", middle.path("y").asDouble())
              .put("button", "left")
              .put("clickCount", 1));
    }
  }

  /** The size of the page's window. */
  public void size(int width, int height) {
    ask(
        "Emulation.setDeviceMetricsOverride",
        JSON.createObjectNode()
            .put("width", width)
            .put("height", height)
            .put("deviceScaleFactor", 1)
            .put("mobile", false));
  }

  /** Whether the user prefers a dark page. */
  public void dark(boolean dark) {
    prefer("prefers-color-scheme", dark ? "dark" : "light");
  }

  /** The user prefers a page on which nothing moves. */
  public void withoutMotion() {
    prefer("prefers-reduced-motion", "reduce");
  }

  private void prefer(String feature, String value) {
    ObjectNode media = JSON.createObjectNode();
    media.putArray("features").addObject().put("name", feature).put("value", value);
    ask("Emulation.setEmulatedMedia", media);
  }

  /** The time zone of this machine, as the browser sees it. */
  public void zone(String zone) {
    ask("Emulation.setTimezoneOverride", JSON.createObjectNode().put("timezoneId", zone));
  }

  /** Runs a script before those of each page that is opened from now on. */
  public void before(String script) {
    ask("Page.addScriptToEvaluateOnNewDocument", JSON.createObjectNode().put("source", script));
  }

  /** Answers of addresses that end like this are lost once the server has sent them, or no more. */
  public void lose(boolean lost, String end) {
    if (!lost) {
      ask("Fetch.disable", JSON.createObjectNode());
      return;
    }
    ObjectNode paused = JSON.createObjectNode();
    paused
        .putArray("patterns")
        .addObject()
        .put("urlPattern", "*" + end)
        .put("requestStage", "Response");
    ask("Fetch.enable", paused);
  }

  /** From now on a part of the addresses of requests is sent as another. */
  public void rewrite(String from, String to) {
    rewritten = new String[] {from, to};
    ObjectNode paused = JSON.createObjectNode();
    paused.putArray("patterns").addObject().put("urlPattern", "*" + from + "*");
    ask("Fetch.enable", paused);
  }

  /** A number that the browser keeps of the page, such as {@code JSEventListeners}. */
  public long metric(String name) {
    ask("HeapProfiler.collectGarbage", JSON.createObjectNode());
    ask("Performance.enable", JSON.createObjectNode());
    return ask("Performance.getMetrics", JSON.createObjectNode())
        .path("metrics")
        .valueStream()
        .filter(metric -> metric.path("name").asText().equals(name))
        .mapToLong(metric -> metric.path("value").asLong())
        .findFirst()
        .orElseThrow();
  }

  /** Writes into the focused field, as by the keyboard. */
  public void type(String text) {
    ask("Input.insertText", JSON.createObjectNode().put("text", text));
  }

  /** Presses and releases a key, such as {@code q}, {@code Tab} or {@code Enter}. */
  public void press(String key) {
    for (String type : List.of("keyDown", "keyUp")) {
      ObjectNode event = JSON.createObjectNode().put("type", type).put("key", key);
      int code = KEY_CODES.getOrDefault(key, 0);
      if (code > 0) {
        event.put("windowsVirtualKeyCode", code).put("code", key);
      }
      if (type.equals("keyDown") && (key.length() == 1 || key.equals("Enter"))) {
        event.put("text", key.length() == 1 ? key : "\r");
      }
      ask("Input.dispatchKeyEvent", event);
    }
  }

  /** The cookies of all pages, as the browser keeps them. */
  public JsonNode cookies() {
    return ask("Network.getAllCookies", JSON.createObjectNode()).path("cookies");
  }

  /** Whether this page is not shown, as when another tab is in front of it. */
  public void hide(boolean hidden) {
    evaluate(
        "(() => { Object.defineProperty(document, 'hidden', { configurable: true, get: () => "
            + hidden
            + " }); document.dispatchEvent(new Event('visibilitychange')); })()");
  }

  /** Violations of WCAG 2.2 AA that axe finds in the page, one a line. */
  public List<String> violations() {
    if (!evaluate("'axe' in window").asBoolean()) {
      evaluate(AXE);
    }
    return evaluate(
            "axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] })"
                + ".then((found) => found.violations.flatMap((rule) => rule.nodes.map((node) =>"
                + " rule.id + ': ' + node.html.slice(0, 200) + ' ' + node.failureSummary)))")
        .valueStream()
        .map(JsonNode::asText)
        .toList();
  }

  /** A picture of the window, as PNG. */
  public byte[] picture() {
    JsonNode answer = ask("Page.captureScreenshot", JSON.createObjectNode().put("format", "png"));
    return Base64.getDecoder().decode(answer.path("data").asText());
  }

  /** The addresses that were requested so far. */
  public List<String> requests() {
    return requests;
  }

  /** The errors of the console, and failed requests. */
  public List<String> faults() {
    return faults;
  }

  private JsonNode ask(String method, ObjectNode parameters) {
    return send(session, method, parameters);
  }

  private JsonNode send(String to, String method, ObjectNode parameters) {
    int call = calls.incrementAndGet();
    CompletableFuture<JsonNode> answer = new CompletableFuture<>();
    answers.put(call, answer);
    ObjectNode message = JSON.createObjectNode().put("id", call).put("method", method);
    message.set("params", parameters);
    if (!to.isEmpty()) {
      message.put("sessionId", to);
    }
    synchronized (socket) {
      within(socket.sendText(message.toString(), true), method);
    }
    JsonNode came = within(answer, method + " " + parameters);
    if (came.has("error")) {
      throw new AssertionError(method + ": " + came.path("error"));
    }
    return came.path("result");
  }

  private static <T> T within(CompletableFuture<T> future, String what) {
    try {
      return future.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException | ExecutionException e) {
      throw new AssertionError("the browser did not come to an end with " + what, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(what, e);
    }
  }

  private void take(JsonNode message) {
    if (message.has("id")) {
      CompletableFuture<JsonNode> answer = answers.remove(message.path("id").asInt());
      if (answer != null) {
        answer.complete(message);
      }
      return;
    }
    JsonNode event = message.path("params");
    switch (message.path("method").asText()) {
      case "Page.loadEventFired" -> loaded.complete(null);
      case "Network.requestWillBeSent" -> requests.add(event.at("/request/url").asText());
      case "Network.loadingFailed", "Runtime.exceptionThrown" -> faults.add(event.toString());
      case "Runtime.consoleAPICalled" -> {
        if (!event.path("type").asText().equals("log")) {
          faults.add(event.toString());
        }
      }
      case "Fetch.requestPaused" -> Thread.ofVirtual().start(() -> paused(event));
      case "Log.entryAdded" -> faults.add(event.toString());
      default -> {}
    }
  }

  private void paused(JsonNode event) {
    ObjectNode request = JSON.createObjectNode().put("requestId", event.path("requestId").asText());
    if (event.has("responseStatusCode")) {
      ask("Fetch.failRequest", request.put("errorReason", "ConnectionClosed"));
    } else {
      String url = event.at("/request/url").asText().replace(rewritten[0], rewritten[1]);
      ask("Fetch.continueRequest", request.put("url", url));
    }
  }

  /** Ends it. */
  @Override
  public void close() {
    socket.abort();
    http.close();
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly().onExit().join();
  }

  private final class Listener implements WebSocket.Listener {
    private final StringBuilder text = new StringBuilder();

    @Override
    public CompletionStage<?> onText(WebSocket from, CharSequence data, boolean last) {
      text.append(data);
      if (last) {
        String whole = text.toString();
        text.setLength(0);
        try {
          take(JSON.readTree(whole));
        } catch (IOException notJson) {
          faults.add(whole);
        }
      }
      from.request(1);
      return CompletableFuture.completedFuture(null);
    }

    @Override
    public void onError(WebSocket from, Throwable error) {
      answers.values().forEach(answer -> answer.completeExceptionally(error));
    }
  }
}
