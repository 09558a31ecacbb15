package io.taskrunner.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.lettuce.core.api.sync.RedisCommands;
import io.taskrunner.http.Served.Setup;
import io.taskrunner.store.OperationStore;
import io.taskrunner.store.SeriesStore.Sample;
import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.WorkStore.ClaimRequest;
import io.taskrunner.store.WorkStore.Settlement;
import io.taskrunner.store.redis.RedisStore;
import io.taskrunner.store.redis.StoreOptions;
import io.taskrunner.store.redis.record.SeriesRecord;
import io.taskrunner.store.redis.record.SeriesRecord.Event;
import io.taskrunner.task.Attempt;
import io.taskrunner.task.AttemptError;
import io.taskrunner.task.Verdict;
import io.taskrunner.testkit.RedisExtension;
import io.taskrunner.testkit.RedisServer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The dashboard in a real browser, on a real Redis. */
@Tag("faults")
class DashboardTest {

  /** What a target answered to a failed attempt. */
  private static final String EXCERPT =
      "{\"error\":\"<img src=x onerror=alert(1)> no such customer\"}";

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final String WORKER = "00000000000000aa";

  /** Text of strangers that would do harm as markup, or deceive. */
  private static final String HOSTILE =
      "<img src=x onerror=top.hit=1></script><script>top.hit=1</script>\\u202emoc.live\\u0000";

  private RedisStore store;
  private Served served;
  private int claims;

  @BeforeEach
  void start() {
    store = RedisStore.open(StoreOptions.defaults(REDIS.settings()));
    served = new Served(Setup.local(), store);
  }

  @AfterEach
  void stop() {
    served.close();
    store.close();
  }

  private String home(Served server) {
    return "http://127.0.0.1:" + server.server.port();
  }

  private Console console() throws IOException {
    return new Console(home(served));
  }

  private String enqueue(String queue, String more) {
    return served
        .post("/v1/enqueue", "{\"client_id\":\"billing\",\"queue\":\"" + queue + "\"," + more + "}")
        .json()
        .path("task_id")
        .asText();
  }

  private static String task(String url) {
    return "\"task\":{\"url\":\"" + url + "\",\"method\":\"GET\"}";
  }

  /** Ready tasks are tried once, and end like this. */
  private void end(int most, Verdict verdict, int status) {
    List<Claim> claimed =
        store
            .works()
            .getFirst()
            .exchange(
                List.of(), new ClaimRequest(WORKER, ++claims, most, Duration.ofSeconds(30), 5, 0))
            .claims();
    List<Settlement> settlements = new ArrayList<>();
    for (Claim claim : claimed) {
      Attempt attempt =
          new Attempt(
              claim.start().attempt(),
              claim.start().now(),
              Duration.ofMillis(120),
              status > 0 ? OptionalInt.of(status) : OptionalInt.empty(),
              status > 0 ? Optional.empty() : Optional.of(AttemptError.TIMEOUT),
              status > 0 ? "" : "no answer within 10 s",
              status >= 300 ? EXCERPT : "");
      settlements.add(
          new Settlement(
              claim.id(),
              claim.number(),
              verdict,
              attempt,
              Duration.ZERO,
              new BreakerReport.Good()));
    }
    store.works().getFirst().settle(WORKER, settlements);
  }

  /** Tasks in all states. Returns a dead one. */
  private String fill() {
    served.post(
        "/admin/clients/set",
        "{\"client_id\":\"billing\",\"rate_limit\":{\"max_concurrent\":100,\"requests_per_min\":10000}}");
    served.call("PUT", "/v1/queues/mail", "{}");
    for (int i = 0; i < 8; i++) {
      enqueue("mail", task("https://api.example.com/send?n=" + i) + ",\"retention_sec\":3600");
    }
    end(8, new Verdict.Succeed(), 200);
    String dead = "";
    for (int i = 0; i < 6; i++) {
      dead =
          enqueue(
              "mail",
              "\"labels\":{\"invoice\":\"in_"
                  + i
                  + "\"},\"task\":{\"url\":\"https://hooks.example.net/in\",\"headers\":"
                  + "{\"Authorization\":\"s\"},\"body\":\"{\\\"amount\\\":9223372036854775808}\"}");
    }
    end(6, new Verdict.Bury(), 500);
    enqueue("mail", task("https://slow.example.org/"));
    end(1, new Verdict.Retry(Duration.ofHours(1)), 0);
    served.call("PUT", "/v1/queues/mail", "{\"max_concurrent\":10,\"max_dispatches_per_sec\":50}");
    served.call("PUT", "/v1/queues/reports", "{}");
    served.post("/v1/queues/reports/pause", "{}");
    for (int i = 0; i < 12; i++) {
      enqueue("reports", task("https://api.example.com/reports/" + i));
    }
    enqueue("low", "\"delay\":86400," + task("https://api.example.com/later"));
    return dead;
  }

  @Test
  void everyPageIsAccessibleAndFits() throws IOException {
    String dead = fill();
    String operation = settings();
    awaitSeries();
    anHour();
    try (Console console = console()) {
      for (String page :
          List.of(
              "",
              "queues",
              "queue?name=mail",
              "tasks",
              "tasks?state=dead",
              "task?id=" + dead,
              "dead",
              "dead?queue=mail&host=hooks.example.net:443&cause=http_500",
              "schedules",
              "schedule?name=nightly",
              "operations",
              "operation?id=" + operation,
              "hosts",
              "clients",
              "client?id=billing",
              "keys",
              "config",
              "audit",
              "system")) {
        console.browser.size(1280, 800);
        console.browser.dark(false);
        console.open(page);
        console.picture(page.isEmpty() ? "overview" : page.replaceAll("[?].*", ""));
        console.isAccessible(page);
        console.browser.dark(true);
        console.browser.size(390, 800);
        console.isAccessible(page + " in the dark at 390 px");
        console.browser.size(320, 640);
        console.isAccessible(page + " at 320 px");
        console.isWell();
      }
    }
  }

  /** What was counted is sent every few seconds. */
  private void awaitSeries() {
    while (store.series().failures().isEmpty()) {
      Thread.onSpinWait();
    }
  }

  /** An hour in which things happened, for charts to show. */
  private void anHour() {
    RedisCommands<byte[], byte[]> redis = REDIS.bytes();
    long now = store.tasks().now().getEpochSecond() / 60;
    for (String of : List.of("all", REDIS.redis().sync().hget("tr:{config}:queues", "mail"))) {
      for (int ago = 1; ago <= 60; ago++) {
        int failing = ago > 20 && ago < 32 ? 25 : 1;
        SeriesRecord record =
            new SeriesRecord()
                .count(Event.ENQUEUED, 90 + ago * 7 % 23)
                .count(Event.SUCCEEDED, 88 + ago * 5 % 19 - failing)
                .count(Event.FAILED, failing)
                .count(Event.DIED, failing / 5)
                .sample(new Sample(2 * failing, 4, failing, 6, Duration.ofMillis(90L * failing)));
        record.lag(0, 80);
        record.lag(1 + failing / 9, 20);
        record.duration(2, 85);
        record.duration(3 + failing / 25, 15);
        byte[] bytes = record.bytes();
        ByteBuffer.wrap(bytes).putInt((int) (now - ago));
        byte[] ring = ("tr:{config}:series:" + of + ":m").getBytes(StandardCharsets.US_ASCII);
        redis.setrange(ring, (now - ago) % 1440 * SeriesRecord.SIZE, bytes);
      }
    }
  }

  @Test
  void whatHappenedIsDrawnAndListed() throws IOException {
    fill();
    awaitSeries();
    String drawn = "document.querySelector('.chart path.c1')?.getAttribute('d')";
    try (Console console = console()) {
      console.open("");
      console.browser.await(drawn); // the minute that has begun is drawn when it is 20 s old
      String told =
          console
              .browser
              .evaluate("document.querySelector('.chart svg').getAttribute('aria-label')")
              .asText();
      assertTrue(told.matches("Per minute: enqueued .*highest .* at \\d\\d:\\d\\d.*"), told);
      console.awaitText("Newest failures");
      console.awaitText("status 500");
      console.await("document.querySelector('svg.spark path')?.getAttribute('d')");
      console.awaitText("queue paused reports by loopback");
      console.await("document.querySelectorAll('.chart:first-child path.mark').length > 0");
      console.click("24h");
      console.await("location.search.includes('range=24h')");
      console.browser.await(drawn);
      console.isAccessible("charts");
      console.go("queue?name=mail&range=1h");
      console.browser.await(drawn);
      console.click("Show as table");
      console.await("document.querySelectorAll('.chart details[open] tbody tr').length === 61");
      console.isAccessible("a chart as a table");
      console.isWell();
    }
  }

  /** One of each thing that admins set. Returns the id of an operation. */
  private String settings() {
    served.call("PUT", "/admin/hosts/payments.example.com", "{\"max_concurrent\":10}");
    served.post("/admin/keys", "{\"name\":\"deploys\",\"read_only\":true}");
    served.post("/admin/clients/billing/keys", "{\"name\":\"ci\",\"scopes\":[\"enqueue\"]}");
    served.call("PUT", "/admin/clients/billing/signing-secret", "{}");
    served.call(
        "PUT",
        "/v1/schedules/nightly",
        "{\"client_id\":\"billing\",\"cron\":\"30 2 * * *\",\"time_zone\":\"Asia/Kathmandu\","
            + task("https://api.example.com/nightly")
            + "}");
    return served
        .post(
            "/v1/operations",
            "{\"action\":\"retry\",\"filter\":{\"queue\":\"mail\",\"state\":\"dead\"},\"dry_run\":true}")
        .json()
        .path("operation_id")
        .asText();
  }

  /** Performs operations, as a process that serves the API does. */
  private void performOperations() {
    for (OperationStore.Run run :
        store.operations().lease("test", Duration.ofMinutes(1), List.of())) {
      while (!(run.step(100) instanceof OperationStore.Step.Over)) {}
    }
  }

  @Test
  void deadTasksOfACauseAreReplayedTogetherAfterATrial() throws Exception {
    fill();
    try (Console console = console();
        ExecutorService runner = Executors.newSingleThreadExecutor()) {
      AtomicBoolean ends = new AtomicBoolean();
      Future<?> running =
          runner.submit(() -> {
            while (!ends.get()) {
              performOperations();
            }
          });
      console.open("dead");
      console.click("status 500");
      console.awaitText("6 tasks of this cause");
      console.click("Replay all…");
      console.awaitText("6 tasks match.");
      console.isAccessible("the dialog of an operation");
      console.browser.click("dialog .buttons .main");
      console.awaitText("Begun by");
      console.awaitText("6 of 6 tasks");
      assertEquals(6, served.get("/v1/queues/mail").json().at("/stats/ready").asInt());
      ends.set(true);
      running.get();
      console.isWell();
    }
  }

  @Test
  void everythingIsPausedAfterTheNameOfTheInstallationWasTyped() throws IOException {
    try (Console console = console()) {
      console.open("");
      console.click("Pause everything");
      console.awaitText("to confirm");
      assertTrue(
          console
              .browser
              .evaluate("document.querySelector('dialog .danger').disabled")
              .asBoolean());
      console.fill("Type", "a <test> \"here\"");
      console.click("Pause");
      console.awaitText("Resume everything");
      assertTrue(served.get("/admin/dispatch").json().path("paused").asBoolean());
      console.click("Resume everything");
      console.click("Resume");
      console.await(
          "![...document.querySelectorAll('main button')].some((each) => each.textContent === 'Resume everything')");
      assertFalse(served.get("/admin/dispatch").json().path("paused").asBoolean());
    }
  }

  @Test
  void aReadOnlyKeyIsCreatedAndShownOnce() throws IOException {
    try (Console console = console()) {
      console.open("keys");
      console.click("New key");
      console.fill("Name", "on-call");
      console.click("Create");
      console.awaitText("It is shown only now.");
      String key =
          console.browser.evaluate("document.querySelector('dialog pre').innerText").asText();
      assertTrue(key.matches("tra_[\\w-]{43}"), key);
      console.click("Close");
      console.awaitText("read only");
      assertFalse(
          console.browser.evaluate("document.documentElement.outerHTML").asText().contains(key));
      String[] holder = {"X-Admin-Key", key};
      assertEquals(200, served.get("/admin/audit", holder).status());
      assertEquals("read_only", served.post("/v1/queues/low/pause", "{}", holder).code());
    }
  }

  @Test
  void aConfigurationIsTriedBeforeItIsApplied() throws IOException {
    try (Console console = console()) {
      console.open("config");
      console.await("document.querySelector('textarea')?.value.includes('critical')");
      console.fill("YAML", "version: 1\nqueues:\n  imports:\n    weight: 7\n");
      console.click("Show what would change");
      console.awaitText("imports");
      assertEquals(404, served.get("/v1/queues/imports").status());
      console.click("Apply…");
      console.click("Apply");
      console.awaitText("Applied.");
      assertEquals(7, served.get("/v1/queues/imports").json().path("weight").asInt());
    }
  }

  @Test
  void anEmptyServerSaysWhatWouldBeShownAndHow() throws IOException {
    try (Console console = console()) {
      console.open("tasks");
      console.awaitText("./task-runner enqueue");
      console.isAccessible("no task");
      console.open("");
      console.awaitText("No worker is alive.");
      console.isAccessible("an empty overview");
      console.open("queue?name=nowhere");
      console.awaitText("queue_not_found");
      console.open("task?id=01a2272a-9f8c-7000-9d99-2e3802c94000");
      console.awaitText("This task was not found");
      console.open("nowhere");
      console.awaitText("There is no page");
    }
  }

  @Test
  void theFirstViewIsSmallAndTheSecondNeedsLittle() throws IOException {
    fill();
    try (Console console = console()) {
      console.open("");
      List<String> first = List.copyOf(new LinkedHashSet<>(console.browser.requests()));
      assertTrue(first.size() <= 12, first.toString());
      long bytes =
          console
              .browser
              .evaluate(
                  "performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))"
                      + ".reduce((sum, each) => sum + each.encodedBodySize, 0)")
              .asLong();
      assertTrue(bytes <= 60_000, "bytes: " + bytes);
      console.go("tasks");
      List<String> second =
          console.browser.requests().stream()
              .distinct()
              .filter(request -> !first.contains(request))
              .toList();
      assertTrue(second.size() <= 2, second.toString());
      console.isWell();
    }
  }

  @Test
  void textsOfStrangersAreNeverMarkup() throws IOException {
    String hostile =
        enqueue(
            "low",
            "\"delay\":9,\"labels\":{\"l\":\"<img src=x onerror=top.hit=1>\"},"
                + "\"task\":{\"url\":\"https://h.example/%3Cimg?a=javascript:top.hit=1\",\"headers\":{\"X-H\":\"<b>javascript:</b>\"},\"body\":\""
                + HOSTILE
                + "{\\\"n\\\":9223372036854775808,\\\"m\\\":1e400}\"}");
    try (Console console = console()) {
      console.open("tasks");
      console.awaitText("<img src=x onerror=top.hit=1>");
      console.go("task?id=" + hostile);
      console.click("Show the body");
      console.awaitText("9223372036854775808");
      console.awaitText("1e400");
      console.awaitText("\\u202e");
      console.awaitText("\\u0000");
      assertEquals(
          0,
          console
              .browser
              .evaluate("document.querySelectorAll('main img, main b b').length")
              .asInt());
      assertFalse(console.browser.evaluate("'hit' in window").asBoolean());
      assertEquals(
          "TypeError",
          console
              .browser
              .evaluate(
                  "(() => { try { document.body.innerHTML = '<b>x</b>'; return 'written'; } catch (e) { return e.name; } })()")
              .asText());
      assertEquals(
          List.of(),
          console.browser.faults().stream()
              .filter(
                  fault -> !fault.contains("TrustedHTML") && !fault.contains("\"canceled\":true"))
              .toList());
    }
  }

  @Test
  void aTaskIsRetriedRunAndCancelledByAClick() throws IOException {
    String dead = fill();
    try (Console console = console()) {
      console.open("task?id=" + dead);
      console.awaitText("500");
      console.awaitText(EXCERPT);
      console.click("Replay");
      console.await("document.querySelector('h2 .state').textContent === 'ready'");
      console.click("Cancel");
      console.awaitText("A cancelled task cannot be restored");
      console.isAccessible("the dialog");
      console.click("Cancel the task");
      console.await("document.querySelector('h2 .state').textContent === 'cancelled'");
      console.isWell();
      assertEquals("cancelled", served.get("/v1/tasks/" + dead).json().path("state").asText());
      JsonNode entry = served.get("/admin/audit?limit=1").json().path("entries").path(0);
      assertEquals("task cancelled", entry.path("what").asText());
      assertEquals("dashboard", entry.at("/details/through").asText());
    }
  }

  @Test
  void matchesAreCountedAndTheRunsOfAScheduleShownBeforeItIsSaved() throws IOException {
    fill();
    try (Console console = console()) {
      console.open("tasks?queue=mail&state=dead");
      console.click("Count");
      console.awaitText("6 tasks match.");
      console.open("schedule");
      console.awaitText("Next runs");
      console.awaitText("02:30");
      console.isAccessible("the next runs of a new schedule");
      console.isWell();
    }
  }

  @Test
  void aTaskIsCopiedWithAChangeAndTwoClicksCreateOneTask() throws IOException {
    String dead = fill();
    try (Console console = console()) {
      console.open("task?id=" + dead);
      console.click("Copy…");
      console.awaitText("Values shown as *** are kept");
      console.isAccessible("the form of a task");
      console.fill("Queue", "reports");
      console.browser.evaluate(
          "(() => { const form = document.querySelector('main form'); form.requestSubmit(); form.requestSubmit(); })()");
      console.awaitText("Why it waits");
      console.awaitText("The queue reports is paused.");
      assertEquals(13, served.get("/v1/queues/reports").json().at("/stats/ready").asInt());
      served.post("/v1/queues/reports/resume", "{}");
      console.awaitNoText("The queue reports is paused.");
      console.isWell();
    }
  }

  @Test
  void selectedTasksAreChangedTogetherAndEachResultIsReported() throws IOException {
    fill();
    try (Console console = console()) {
      console.open("tasks?queue=mail&state=dead");
      console.browser.click("main thead input");
      console.awaitText("6 selected");
      console.click("Replay");
      console.awaitText("Replay: 6 tasks");
      console.browser.click("dialog form .main");
      console.awaitText("Replay: 6 done.");
      assertEquals(6, served.get("/v1/queues/mail").json().at("/stats/ready").asInt());
      console.isWell();
    }
  }

  @Test
  void aQueueIsEditedAndNothingOfAnotherIsOverwritten() throws IOException {
    fill();
    try (Console console = console()) {
      console.open("queue?name=mail");
      console.click("Edit");
      console.awaitText("Settings of");
      console.isAccessible("the form");
      served.call("PUT", "/v1/queues/mail", "{\"max_concurrent\":77}");
      console.fill("Maximum running", "12");
      console.click("Save");
      console.awaitText("Nothing was overwritten");
      console.awaitText("77");
      assertEquals(77, served.get("/v1/queues/mail").json().path("max_concurrent").asInt());
      console.click("Save mine over it");
      console.awaitText("Saved.");
      assertEquals(12, served.get("/v1/queues/mail").json().path("max_concurrent").asInt());
      console.click("Pause");
      console.awaitText("This queue is paused");
      console.click("Delete");
      console.awaitText("It holds");
      console.browser.evaluate("document.querySelector('dialog input[type=checkbox]').click()");
      console.fill("Type mail", "mail");
      console.click("Delete the queue");
      console.awaitText("Deleted mail.");
      assertEquals(404, served.get("/v1/queues/mail").status());
    }
  }

  @Test
  void signsInWithEachKindOfKeyAndShowsWhatItMayDo() throws IOException {
    try (Served keyed = new Served(Setup.serve(), store);
        Console console = new Console(home(keyed))) {
      String[] admin = {"X-Admin-Key", Served.ADMIN};
      String reader =
          keyed
              .post("/admin/keys", "{\"name\":\"reader\",\"read_only\":true}", admin)
              .json()
              .path("key")
              .asText();
      keyed.post("/admin/clients/set", "{\"client_id\":\"billing\"}", admin);
      String client =
          keyed
              .post("/admin/clients/billing/keys", "{\"scopes\":[\"read\"]}", admin)
              .json()
              .path("key")
              .asText();
      console.open("queue?name=default");
      console.awaitText("Sign in");
      console.isAccessible("sign-in");
      console.fill("API key", "wrong");
      console.click("Sign in");
      console.awaitText("The API key is invalid.");
      console.fill("API key", Served.ADMIN);
      console.click("Sign in");
      console.awaitText("Purge");
      JsonNode cookie = console.browser.cookies().path(0);
      assertTrue(cookie.path("httpOnly").asBoolean(), cookie.toString());
      assertEquals("Strict", cookie.path("sameSite").asText());
      assertEquals("/", cookie.path("path").asText());
      assertEquals("", console.browser.evaluate("document.cookie").asText());
      assertFalse(
          console
              .browser
              .evaluate("JSON.stringify({ ...localStorage, ...sessionStorage })")
              .asText()
              .contains(Served.ADMIN));
      signOut(console);
      signIn(console, reader);
      console.awaitText("read only");
      console.awaitNoText("Purge");
      signOut(console);
      signIn(console, client);
      console.awaitText("billing/");
      console.awaitNoText("Purge");
      keyed.call("DELETE", "/admin/clients/delete?client_id=billing", null, admin);
      console.awaitText("Sign in");
    }
  }

  @Test
  void aRevokedKeySignsOutAndTheSameViewReturnsAfterwards() throws IOException {
    try (Served keyed = new Served(Setup.serve(), store);
        Console console = new Console(home(keyed))) {
      String[] admin = {"X-Admin-Key", Served.ADMIN};
      String key =
          keyed.post("/admin/keys", "{\"name\":\"deploys\"}", admin).json().path("key").asText();
      console.open("queue?name=low");
      signIn(console, key);
      console.awaitText("A built-in queue");
      keyed.call("DELETE", "/admin/keys/deploys", null, admin);
      console.awaitText("Sign in");
      signIn(console, Served.ADMIN);
      console.awaitText("A built-in queue");
      assertTrue(console.browser.evaluate("location.search").asText().contains("name=low"));
    }
  }

  private static void signIn(Console console, String key) {
    console.await("document.querySelector('input[name=key]')");
    console.fill("API key", key);
    console.click("Sign in");
    console.await("document.querySelector('nav.side')");
  }

  private static void signOut(Console console) {
    console.browser.click(".top details:last-of-type summary");
    console.click("Sign out");
    console.await("document.querySelector('input[name=key]')");
  }

  @Test
  void anUpdateLeavesFocusSelectionAndRowsWhereTheyAre() throws IOException {
    for (int i = 0; i < 5; i++) {
      enqueue("low", "\"delay\":86400," + task("https://h.example/" + i));
    }
    try (Console console = console()) {
      console.open("tasks?queue=low");
      console.browser.evaluate("document.querySelectorAll('main tbody a')[2].focus()");
      String rows =
          "[...document.querySelectorAll('tr[data-row]')].map((each) => each.dataset.row).join()";
      String before = console.browser.evaluate(rows).asText();
      String focused = console.browser.evaluate("document.activeElement.href").asText();
      for (int i = 0; i < 3; i++) {
        enqueue("low", "\"delay\":3600," + task("https://h.example/new"));
      }
      console.awaitText("3 newer");
      assertEquals(before, console.browser.evaluate(rows).asText());
      assertEquals(focused, console.browser.evaluate("document.activeElement.href").asText());
      console.click("3 newer: show");
      console.await("document.querySelectorAll('tr[data-row]').length === 8");
      console.browser.hide(true);
      int asked = console.browser.requests().size();
      console.browser.evaluate("new Promise((then) => setTimeout(then, 6000))");
      assertEquals(asked, console.browser.requests().size(), "calls of a hidden page");
    }
  }

  @Test
  void keysGoToPagesAndNeverActInAField() throws IOException {
    fill();
    try (Console console = console()) {
      console.open("queues");
      console.browser.press("g");
      console.browser.press("t");
      console.await("location.pathname.endsWith('/ui/tasks')");
      console.awaitContent();
      console.browser.press("/");
      console.await("document.activeElement.id === 'search'");
      console.browser.type("mail");
      console.browser.press("g");
      console.browser.press("q");
      assertTrue(console.browser.evaluate("location.pathname").asText().endsWith("/ui/tasks"));
      console.browser.evaluate("document.activeElement.blur()");
      console.browser.press("?");
      console.awaitText("next, previous row");
      console.isAccessible("the list of keys");
      console.browser.press("Escape");
      console.awaitNoText("next, previous row");
      console.browser.press(".");
      console.awaitText("Live is off");
      console.isWell();
    }
  }

  @Test
  void anOutageIsShownAndEndsByItself() throws IOException {
    try (RedisServer redis = RedisServer.start();
        RedisStore away =
            RedisStore.open(
                StoreOptions.defaults(RedisServer.settings(redis.port(), Duration.ofSeconds(1))));
        Served local = new Served(Setup.local(), away);
        Console console = new Console(home(local))) {
      console.open("queues");
      redis.freeze();
      try {
        console.awaitText("The server cannot answer since");
        console.awaitText("critical");
      } finally {
        redis.thaw();
      }
      console.awaitNoText("The server cannot answer since");
    }
  }

  @Test
  void worksUnderAPathPrefix() throws IOException {
    try (Served under = new Served(Setup.local().prefix("/tasks"), store);
        Console console = new Console(home(under) + "/tasks")) {
      fill();
      console.open("");
      console.awaitText("reports");
      console.browser.evaluate("document.querySelector('a[href*=\"name=mail\"]').click()");
      console.awaitText("Dead tasks by cause");
      console.isWell();
    }
  }

  @Test
  void pagesOfAnotherPortCanNeitherReadNorChangeNorFrameIt() throws IOException {
    fill();
    try (Served other = new Served(Setup.local(), new FakeStores());
        Console console = new Console(home(served))) {
      console.browser.open(home(other) + "/docs");
      String to = console.home;
      assertEquals(
          "refused",
          console
              .browser
              .evaluate(
                  "fetch('"
                      + to
                      + "/v1/queues/mail/pause', { method: 'POST', mode: 'no-cors', body: '' })"
                      + ".then(() => 'sent', () => 'refused')")
              .asText());
      assertFalse(served.get("/v1/queues/mail").json().path("paused").asBoolean());
    }
    String[] otherPort = {"Origin", "http://127.0.0.1:1", "Sec-Fetch-Site", "same-site"};
    assertEquals("cross_origin", served.post("/v1/queues/mail/pause", "", otherPort).code());
    assertEquals("misdirected", served.get("/ui/", "Host", "evil.example").code());
    String policy = served.get("/ui/").header("content-security-policy");
    assertTrue(policy.contains("frame-ancestors 'none'"), policy);
    assertTrue(policy.contains("require-trusted-types-for 'script'"), policy);
  }
}
