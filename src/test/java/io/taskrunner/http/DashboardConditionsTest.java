package io.taskrunner.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import io.taskrunner.config.TlsSettings;
import io.taskrunner.http.Served.Setup;
import io.taskrunner.store.CloudStore;
import io.taskrunner.store.CloudStore.NewTask;
import io.taskrunner.store.CloudStore.QueueName;
import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.WorkStore.ClaimRequest;
import io.taskrunner.store.WorkStore.Settlement;
import io.taskrunner.store.redis.RedisStore;
import io.taskrunner.store.redis.StoreOptions;
import io.taskrunner.task.Attempt;
import io.taskrunner.task.Retry;
import io.taskrunner.task.TargetRequest;
import io.taskrunner.task.TargetUrl;
import io.taskrunner.task.Task.TaskSpec;
import io.taskrunner.task.Verdict;
import io.taskrunner.testkit.RedisExtension;
import io.taskrunner.testkit.RedisServer;
import io.taskrunner.testkit.TestCertificate;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** The dashboard under the conditions of real users: their network, browser and preferences. */
@Tag("faults")
class DashboardConditionsTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final List<String> PAGES =
      List.of(
          "",
          "queues",
          "queue?name=default",
          "tasks",
          "dead",
          "schedules",
          "operations",
          "hosts",
          "clients",
          "client?id=billing",
          "keys",
          "config",
          "audit",
          "system");

  private RedisStore store;
  private Served served;

  @BeforeEach
  void start() {
    store = RedisStore.open(StoreOptions.defaults(REDIS.settings()));
    served = new Served(Setup.local(), store);
    served.post(
        "/admin/clients/set",
        "{\"client_id\":\"billing\",\"rate_limit\":{\"max_concurrent\":100,\"requests_per_min\":100000}}");
  }

  @AfterEach
  void stop() {
    served.close();
    store.close();
  }

  private static String home(int port) {
    return "http://127.0.0.1:" + port;
  }

  private Console console() throws IOException {
    return new Console(home(served.server.port()));
  }

  private String enqueue(String queue, String more) {
    String body =
        "{\"client_id\":\"billing\",\"queue\":\""
            + queue
            + "\","
            + more
            + "\"task\":{\"url\":\"https://api.example.com/\",\"body\":\"hello\"}}";
    return served.post("/v1/enqueue", body).json().path("task_id").asText();
  }

  /** Ready tasks are tried once, and die. */
  private void die() {
    List<Claim> claims =
        store
            .works()
            .getFirst()
            .exchange(
                List.of(),
                new ClaimRequest("00000000000000aa", 1, 100, Duration.ofSeconds(30), 5, 0))
            .claims();
    List<Settlement> settlements =
        claims.stream()
            .map(claim ->
                new Settlement(
                    claim.id(),
                    claim.number(),
                    new Verdict.Bury(),
                    new Attempt(
                        1,
                        claim.start().now(),
                        Duration.ofMillis(120),
                        OptionalInt.of(500),
                        Optional.empty(),
                        "",
                        ""),
                    Duration.ZERO,
                    new BreakerReport.None()))
            .toList();
    store.works().getFirst().settle("00000000000000aa", settlements);
  }

  @Test
  void worksOverTls(@TempDir Path folder) throws IOException {
    TestCertificate.Pem files = TestCertificate.of("ip:127.0.0.1").pem(folder);
    Setup setup = Setup.serve().tls(new TlsSettings(files.certificate(), files.key()));
    try (Served tls = new Served(setup, store);
        Console console = new Console("https://127.0.0.1:" + tls.server.port())) {
      console.open("");
      console.await("document.querySelector('input[name=key]')");
      console.awaitNoText("without TLS");
      console.fill("API key", Served.ADMIN);
      console.click("Sign in");
      console.awaitText("What happened");
      assertTrue(console.browser.cookies().path(0).path("secure").asBoolean());
      assertTrue(
          console.browser.cookies().path(0).path("name").asText().startsWith("__Host-"),
          console.browser.cookies().toString());
      console.go("queues");
      console.awaitText("critical");
      console.isWell();
    }
  }

  @Test
  void eachPageCanBeReadAtFourHundredPercent() throws IOException {
    enqueue("default", "");
    die();
    served.call("PUT", "/admin/clients/billing/signing-secret", "{}");
    try (Console console = console()) {
      console.browser.size(320, 256); // 1280 by 1024 at 400 %
      for (String page : PAGES) {
        console.open(page);
        console.isAccessible(page + " at 400 %");
        console.isWell();
      }
    }
  }

  @Test
  void eachPageSaysWhenRedisIsUnavailable() throws IOException {
    try (RedisServer redis = RedisServer.start();
        RedisStore away =
            RedisStore.open(
                StoreOptions.defaults(RedisServer.settings(redis.port(), Duration.ofSeconds(1))));
        Served local = new Served(Setup.local(), away);
        Console console = new Console(home(local.server.port()))) {
      local.post("/admin/clients/set", "{\"client_id\":\"billing\"}");
      console.open("system");
      redis.freeze();
      try {
        for (String page : PAGES) {
          console.browser.evaluate(
              "(() => { history.pushState(null, '', '/ui/"
                  + page
                  + "'); dispatchEvent(new PopStateEvent('popstate')); })()");
          console.awaitText("The server cannot answer since");
          console.await(
              page.equals("system")
                  ? "document.querySelector('h1')"
                  : "document.querySelector('main [role=alert].note.bad + *') !== null");
          String text = console.text();
          for (String wrong : List.of("undefined", "NaN", "[object Object]")) {
            assertFalse(text.contains(wrong), page + ": " + text);
          }
          console.isAccessible(page + " without Redis");
        }
      } finally {
        redis.thaw();
      }
      console.awaitNoText("The server cannot answer since");
    }
  }

  @Test
  void aPageOfAnotherPortCanNeitherFrameItNorSendFormsNorOpenAChannel() throws IOException {
    HttpServer elsewhere =
        HttpServer.create(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0), 0);
    elsewhere.createContext(
        "/",
        exchange -> {
          byte[] page =
              "<!doctype html><title>Elsewhere</title><p>x".getBytes(StandardCharsets.UTF_8);
          exchange.getResponseHeaders().set("Content-Type", "text/html");
          try (exchange) {
            exchange.sendResponseHeaders(200, page.length);
            exchange.getResponseBody().write(page);
          }
        });
    elsewhere.start();
    String to = home(served.server.port());
    try (Console console = new Console(to)) {
      console.browser.open(home(elsewhere.getAddress().getPort()));
      for (String headers : List.of("{}", "{'X-Dashboard': '1'}")) {
        String sent =
            "fetch('%s/v1/queues/low/pause', { method: 'POST', headers: %s, credentials: 'include' })"
                .formatted(to, headers);
        assertEquals(
            "refused",
            console.browser.evaluate(sent + ".then(() => 'read', () => 'refused')").asText());
      }
      console.browser.evaluate(
          """
          new Promise((then) => {
            const frame = document.createElement('iframe');
            frame.name = 'f';
            document.body.append(frame);
            const form = document.createElement('form');
            form.method = 'post';
            form.target = 'f';
            form.action = '%s/v1/queues/low/pause';
            document.body.append(form);
            frame.addEventListener('load', then);
            form.submit();
          })
          """
              .formatted(to));
      assertFalse(served.get("/v1/queues/low").json().path("paused").asBoolean());
      console.browser.evaluate(
          """
          new Promise((then) => {
            const frame = document.createElement('iframe');
            frame.src = '%s/ui/';
            frame.addEventListener('load', then);
            document.body.append(frame);
          })
          """
              .formatted(to));
      assertTrue(
          console.browser.faults().stream().anyMatch(fault -> fault.contains("frame-ancestors")),
          console.browser.faults().toString());
      String channel =
          "new Promise((then) => { const it = new WebSocket('ws%s/v1/overview');"
              + " it.onopen = () => then('open'); it.onerror = () => then('refused'); })";
      assertEquals(
          "refused",
          console.browser.evaluate(channel.formatted(to.substring("http".length()))).asText());
    } finally {
      elsewhere.stop(0);
    }
  }

  @Test
  void aHundredChangesASecondLeaveFocusSelectionAndMemoryAlone() throws IOException {
    String id = enqueue("low", "\"delay\":86400,");
    for (int i = 0; i < 20; i++) {
      enqueue("low", "\"delay\":86400,");
    }
    try (Console console = console()) {
      console.open("task?id=" + id);
      console.click("Show the body");
      console.awaitText("hello");
      console.browser.evaluate(
          "(() => { const body = [...document.querySelectorAll('pre')].find((each) => each.textContent.includes('hello'));"
              + " getSelection().selectAllChildren(body); })()");
      String selected = console.browser.evaluate("getSelection().toString()").asText();
      change(3);
      assertEquals(selected, console.browser.evaluate("getSelection().toString()").asText());
      console.awaitText("hello");
      console.go("tasks?queue=low");
      console.browser.evaluate("document.querySelectorAll('main tbody a')[2].focus()");
      String rows =
          "[...document.querySelectorAll('tr[data-row]')].map((each) => each.dataset.row).join()";
      final String before = console.browser.evaluate(rows).asText();
      final String focused = console.browser.evaluate("document.activeElement.href").asText();
      change(2);
      final long listeners = console.browser.metric("JSEventListeners");
      final long heap = console.browser.metric("JSHeapUsedSize");
      change(10);
      assertEquals(before, console.browser.evaluate(rows).asText());
      assertEquals(focused, console.browser.evaluate("document.activeElement.href").asText());
      assertTrue(served.get("/v1/queues/low").json().at("/stats/scheduled").asInt() > 1500);
      assertTrue(console.browser.metric("JSEventListeners") <= listeners + 20, "listeners");
      assertTrue(console.browser.metric("JSHeapUsedSize") <= heap + 2_000_000, "heap");
    }
  }

  /** Enqueues 100 tasks a second. */
  private void change(int seconds) {
    long begin = System.nanoTime();
    for (int i = 0; i < 100 * seconds; i++) {
      enqueue("low", "\"delay\":3600,");
      LockSupport.parkNanos(begin + (i + 1) * 10_000_000L - System.nanoTime());
    }
  }

  @Test
  void aChangeWithoutAnAnswerIsReportedAndRepeatedWithoutHarm() throws IOException {
    try (Console console = console()) {
      console.open("new");
      console.fill("URL", "https://api.example.com/x");
      console.fill("Client", "billing");
      console.browser.lose(true, "/v1/enqueue");
      console.browser.evaluate("document.querySelector('main form').requestSubmit()");
      console.awaitText("It may or may not have been done.");
      console.isAccessible("a lost answer");
      console.browser.lose(false, "");
      console.browser.evaluate("document.querySelector('main form').requestSubmit()");
      console.await("location.pathname.endsWith('/ui/task')");
      assertEquals(1, served.get("/v1/queues/default").json().at("/stats/ready").asInt());
    }
  }

  @Test
  void aQueueWithSlashesIsUsedThroughAProxyThatUnescapesThem() throws IOException {
    QueueName name = new QueueName("shop", "europe-west1", "mail");
    byte[] echo = {1};
    CloudStore.Retries retries =
        new CloudStore.Retries(1, Duration.ZERO, Duration.ofMillis(100), Duration.ofHours(1), 1);
    store.cloud().make(name, new CloudStore.Settings(500, 9, 9, retries, echo), Duration.ofDays(1));
    TargetUrl url =
        ((TargetUrl.Parsed.Good) TargetUrl.parse("https://api.example.com/google")).url();
    TaskSpec spec =
        new TaskSpec(
            new TargetRequest("POST", url, List.of(), echo, true),
            Retry.UNSET,
            null,
            null,
            null,
            Duration.ofHours(1),
            Map.of(),
            null,
            null);
    store.cloud().create(new NewTask(name, null, null, spec, echo, Duration.ZERO)).join();
    die();
    try (UnescapingProxy proxy = new UnescapingProxy(served.server.port());
        Console console = new Console(home(proxy.port()))) {
      console.open("dead");
      console.awaitText("projects/shop/locations/europe-west1/queues/mail");
      console.click("projects/shop/locations/europe-west1/queues/mail");
      console.awaitText("A queue of the Cloud Tasks API");
      console.awaitText("What happened");
      console.click("Pause");
      console.awaitText("This queue is paused");
      console.go("dead?queue=" + name + "&host=api.example.com:443&cause=http_500");
      console.browser.evaluate("document.querySelectorAll('main tbody a.mono')[0].click()");
      console.click("Replay");
      console.await("document.querySelector('h2 .state').textContent === 'ready'");
      console.isWell();
    }
  }

  @Test
  void timesAgreeInEveryZoneAndWithAWrongClock() throws IOException {
    String id = enqueue("low", "\"schedule_time\":\"2030-03-31T00:30:00Z\",");
    enqueue("default", "");
    die();
    for (String zone : List.of("UTC", "Asia/Kathmandu", "Europe/Berlin")) {
      try (Console console = console()) {
        console.browser.zone(zone);
        console.browser.before(
            "{ const real = Date.now; Date.now = () => real() + 3600000;"
                + " localStorage.setItem('task-runner', '{\"zone\":\"local\"}'); }");
        console.open("task?id=" + id);
        console.awaitText(
            switch (zone) {
              case "UTC" -> "2030-03-31 00:30:00";
              case "Asia/Kathmandu" -> "2030-03-31 06:15:00";
              default -> "2030-03-31 01:30:00"; // half an hour before its clocks change
            });
        console.go("");
        console.awaitText("What happened");
        console.await(
            "/updated (now|[1-9] s ago|1\\d s ago|\\d+ ms ago)/.test(document.body.innerText)");
        String range =
            console
                .browser
                .evaluate("document.querySelectorAll('.chart div.axis span')[2].textContent")
                .asText();
        String now =
            console
                .browser
                .evaluate(
                    "[0, 60, 120].map((each) => new Intl.DateTimeFormat('en-GB', { timeZone: '%s', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(Date.now() - 3600000 - each * 1000)).join()"
                        .formatted(zone))
                .asText();
        assertTrue(now.contains(range), range + " is none of " + now);
        console.isWell();
      }
    }
  }

  @Test
  void allIsReachableByKeyboardWithSingleKeysOff() throws IOException {
    try (Console console = console()) {
      console.browser.before("localStorage.setItem('task-runner', '{\"keys\":false}')");
      console.open("queue?name=low");
      console.browser.press("g");
      console.browser.press("t");
      console.browser.press("?");
      assertEquals("/ui/queue", console.browser.evaluate("location.pathname").asText());
      assertFalse(console.browser.evaluate("!!document.querySelector('dialog')").asBoolean());
      tabTo(console, "Skip to the content");
      console.browser.press("Enter");
      assertEquals("main", console.browser.evaluate("document.activeElement.id").asText());
      tabTo(console, "Pause");
      console.browser.press("Enter");
      console.awaitText("This queue is paused");
      assertTrue(served.get("/v1/queues/low").json().path("paused").asBoolean());
      tabTo(console, "Purge");
      console.browser.press("Enter");
      console.await("document.querySelector('dialog[open]')");
      console.browser.press("Escape");
      console.await("!document.querySelector('dialog')");
      console.await("document.activeElement.textContent === 'Purge'"); // focus returns
      tabTo(console, "6h");
      console.browser.press("Enter");
      console.await("location.search.includes('range=6h')");
      tabTo(console, "Show as table");
      console.browser.press("Enter");
      console.await("document.querySelector('.chart details[open] table')");
      console.isAccessible("a chart as a table");
    }
  }

  /** Presses Tab until a control with this text has the focus. */
  private static void tabTo(Console console, String text) {
    for (int i = 0; i < 80; i++) {
      console.browser.press("Tab");
      if (console
          .browser
          .evaluate("(document.activeElement.textContent || '').trim()")
          .asText()
          .equals(text)) {
        return;
      }
    }
    throw new AssertionError(text + " is not reached by Tab");
  }

  @Test
  void nothingMovesWhereThatIsPreferred() throws IOException {
    enqueue("low", "");
    try (Console console = console()) {
      console.browser.withoutMotion();
      for (String page : List.of("", "queue?name=low", "tasks")) {
        console.open(page);
        assertEquals(
            0,
            console
                .browser
                .evaluate(
                    "document.getAnimations().length + [...document.querySelectorAll('*')]"
                        + ".filter((each) => getComputedStyle(each).transitionDuration !== '0s'"
                        + " || getComputedStyle(each).animationName !== 'none').length")
                .asInt(),
            page);
      }
    }
  }

  @Test
  void theShellOfAnotherVersionWorks() throws IOException {
    enqueue("low", "");
    served.call("PUT", "/admin/clients/billing/signing-secret", "{}");
    try (Console console = console()) {
      console.browser.open(home(served.server.port()) + "/docs");
      String digest = served.get("/ui/").body().replaceFirst("(?s).*assets/([0-9a-f]+)/.*", "$1");
      console.browser.rewrite(digest, "0123456789abcdef");
      for (String page : PAGES) {
        console.open(page);
        assertFalse(console.text().isBlank(), page);
        console.isWell();
      }
      assertEquals(
          "no-store", served.get("/ui/assets/0123456789abcdef/tasks.js").header("cache-control"));
    }
  }
}
