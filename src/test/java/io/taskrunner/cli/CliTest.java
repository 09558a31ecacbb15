package io.taskrunner.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.testkit.ScriptedTarget;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The effect of the commands on the program, and their output, for people and for machines. */
class CliTest extends CliProgram {

  @Test
  void aTaskIsEnqueuedDeliveredListedAndShown() throws Exception {
    String said =
        expect(
            0,
            "enqueue",
            target.url("/hook?a=1"),
            "--client",
            "cli",
            "--method",
            "put",
            "-H",
            "X-A: b: c",
            "-d",
            "body",
            "-l",
            "run=first");
    assertTrue(said.matches("[0-9a-f-]{36}  enqueued in default, runs (now|1 s ago)\n"), said);
    ScriptedTarget.Received received = target.next();
    assertEquals("PUT /hook?a=1 HTTP/1.1", received.firstLine());
    assertEquals("b: c", received.header("X-A"));
    assertEquals("body", received.text());
    String id = said.split(" ", 2)[0];
    String listed = expect(0, "tasks", "list", "--label", "run:first");
    assertTrue(listed.startsWith("TASK  "), listed);
    assertTrue(listed.contains(id), listed);
    String shown = expect(0, "tasks", "show", id);
    assertTrue(shown.contains("client_id") && shown.contains("run"), shown);
    String json = expect(0, "tasks", "show", id, "--json");
    assertEquals(id, Shown.text(Shown.object(JsonText.read(json)), "task_id"));
  }

  @Test
  void bytesComeFromAFileOrFromStandardInput() throws Exception {
    Said said =
        run(
            Map.of(),
            "\u00ff\u0000x",
            false,
            "enqueue",
            target.url("/bytes"),
            "-c",
            "cli",
            "--body-file",
            "-");
    assertEquals(0, said.status(), said.err());
    ScriptedTarget.Received received = target.next();
    assertEquals(3, received.body().length);
    assertEquals((byte) 0xff, received.body()[0]);
    assertTrue(
        expect(2, "enqueue", target.url("/"), "-c", "cli", "--body-file", "/nowhere")
            .contains("/nowhere"));
    assertTrue(
        expect(2, "enqueue", target.url("/"), "-c", "cli", "-d", "x", "--body-file", "-")
            .contains("only one of them"));
    assertTrue(expect(2, "enqueue", target.url("/"), "-H", "nothing").contains("Name: value"));
  }

  @Test
  void waitingTasksAreRunOrCancelled() throws Exception {
    String id = enqueue("--delay", "600");
    assertEquals(id + "  ready\n", expect(0, "tasks", "run", id));
    target.next();
    String other = enqueue("--at", "2030-01-01T00:00:00Z");
    assertEquals(other + "  cancelled\n", expect(0, "tasks", "cancel", other));
    assertTrue(expect(1, "tasks", "cancel", other).contains("already_finished"));
    assertTrue(expect(1, "tasks", "retry", other).contains("not_dead"));
  }

  @Test
  void aDeadTaskIsListedAndRetried() throws Exception {
    expect(0, "queues", "set", "cli-dead", "--set", "retry={\"max_retries\": 0}");
    target.answers("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    String id = enqueue("-q", "cli-dead");
    target.next();
    // The target was answered before the verdict is reported; so the test polls until it is there.
    String listed = expect(0, "dead", "list", "cli-dead");
    for (long end = System.nanoTime() + 30_000_000_000L;
        !listed.contains(id) && System.nanoTime() < end;
        Thread.onSpinWait()) {
      listed = expect(0, "dead", "list", "cli-dead");
    }
    assertTrue(listed.contains("404"), listed);
    String summary = expect(0, "dead", "summary", "cli-dead");
    assertTrue(summary.matches("(?s).*1 +http_404 +127.0.0.1:\\d+\n\\(1 in total\\)\n"), summary);
    assertEquals("cli-dead  1 replayed\n", expect(0, "dead", "replay", "cli-dead"));
    target.next();
    assertTrue(expect(2, "dead", "drop", "cli-dead").contains("--yes"));
    assertEquals("cli-dead  dead tasks deleted\n", expect(0, "dead", "drop", "cli-dead", "-y"));
  }

  @Test
  void settingAQueueChangesOnlyTheGivenFields() {
    assertEquals(
        "cli-q  created\n", expect(0, "queues", "set", "cli-q", "--weight", "7", "--rate", "50"));
    assertEquals("cli-q  updated\n", expect(0, "queues", "set", "cli-q", "--max-concurrent", "3"));
    String shown = expect(0, "queues", "show", "cli-q");
    assertTrue(shown.matches("(?s).*weight +7\n.*max_dispatches_per_sec +50\n.*"), shown);
    expect(0, "queues", "set", "cli-q", "--set", "max_concurrent=null");
    assertTrue(expect(0, "queues", "show", "cli-q").matches("(?s).*max_concurrent +-\n.*"));
    assertTrue(expect(0, "queues", "pause", "cli-q").contains("paused"));
    assertTrue(expect(0, "queues", "list").matches("(?s).*cli-q +yes +7 .*"));
    assertTrue(expect(0, "queues", "resume", "cli-q").contains("resumed"));
    assertTrue(expect(0, "queues", "purge", "cli-q", "--yes").contains("purged"));
    assertTrue(expect(1, "queues", "set", "cli-q", "--weight", "1000").contains("weight: 1000"));
    assertEquals("cli-q  deleted\n", expect(0, "queues", "delete", "cli-q", "-y"));
    assertTrue(expect(3, "queues", "show", "cli-q").contains("queue_not_found"));
  }

  @Test
  void schedulesAreSetRunPausedAndDeleted() throws Exception {
    String made =
        expect(
            0,
            "schedules",
            "set",
            "cli-s",
            target.url("/tick"),
            "-c",
            "cli",
            "--cron",
            "0 0 1 1 *",
            "--zone",
            "Asia/Tokyo",
            "--jitter",
            "2");
    assertTrue(
        made.matches("cli-s  created, next run at \\d{4}-\\S+ \\(in \\d+ (days|h|min)\\)\n"), made);
    assertTrue(expect(0, "schedules", "run", "cli-s").startsWith("cli-s  created task "));
    assertEquals("POST /tick HTTP/1.1", target.next().firstLine());
    assertTrue(expect(0, "schedules", "list").contains("0 0 1 1 * Asia/Tokyo"));
    assertEquals("cli-s  paused\n", expect(0, "schedules", "pause", "cli-s"));
    assertTrue(expect(0, "schedules", "resume", "cli-s").contains("T15:00:0"));
    assertTrue(expect(0, "schedules", "show", "cli-s").contains("asked"));
    assertEquals("cli-s  deleted\n", expect(0, "schedules", "delete", "cli-s", "-y"));
    assertTrue(
        expect(1, "schedules", "set", "cli-s", target.url("/"), "-c", "cli", "--cron", "x")
            .contains("5 fields"));
  }

  @Test
  void keysAreCreatedUsedAndRevoked() {
    expect(0, "clients", "set", "cli-keyed", "--tier", "basic");
    String key =
        expect(0, "keys", "add", "cli-keyed", "--name", "ci", "--scopes", "enqueue,read").strip();
    assertTrue(key.startsWith("tr_"), key);
    String listed = expect(0, "keys", "list", "cli-keyed");
    assertTrue(listed.contains("ci") && listed.contains("enqueue, read"), listed);
    assertFalse(listed.contains(key));
    Said as =
        run(
            Map.of("TASK_RUNNER_ADMIN_KEY", "", "TASK_RUNNER_KEY", key),
            "",
            false,
            "enqueue",
            target.url("/"),
            "--delay",
            "100");
    assertEquals(0, as.status(), as.err());
    Said refused =
        run(
            Map.of("TASK_RUNNER_ADMIN_KEY", "", "TASK_RUNNER_KEY", key),
            "",
            false,
            "clients",
            "list");
    assertEquals(5, refused.status());
    assertTrue(refused.err().contains("forbidden"), refused.err());
    String keyId = listed.lines().skip(1).findFirst().orElseThrow().split(" ", 2)[0];
    assertTrue(expect(2, "keys", "revoke", "cli-keyed", keyId).contains("--yes"));
    assertEquals(keyId + "  revoked\n", expect(0, "keys", "revoke", "cli-keyed", keyId, "-y"));
    assertTrue(expect(0, "keys", "admin", "add", "alice").startsWith("tra_"));
    assertTrue(expect(0, "keys", "admin", "list").contains("alice"));
    assertEquals("alice  revoked\n", expect(0, "keys", "admin", "revoke", "alice", "-y"));
    assertTrue(expect(0, "audit").contains("admin key"));
  }

  @Test
  void clientsAreSetShownAndDeleted() {
    String set =
        expect(0, "clients", "set", "cli-c", "--per-minute", "7", "--queues", "default,low");
    assertEquals("cli-c  tier default, 7 per minute, 3 concurrent, enabled\n", set);
    assertTrue(expect(0, "clients", "set", "cli-c", "--disable").endsWith("disabled\n"));
    assertTrue(
        expect(0, "clients", "show", "cli-c").matches("(?s).*allowed_queues +default, low\n.*"));
    assertTrue(expect(0, "clients", "list").contains("cli-c"));
    assertTrue(expect(2, "clients", "set", "cli-c", "--enable", "--disable").contains("one of"));
    assertEquals("cli-c  deleted\n", expect(0, "clients", "delete", "cli-c", "--yes"));
    assertTrue(expect(3, "clients", "show", "cli-c").contains("client_not_found"));
  }

  @Test
  void hostsAreLimitedShownAndDeleted() {
    assertEquals(
        "api.example.com  10 concurrent, unlimited per second\n",
        expect(0, "hosts", "set", "API.example.com", "--max-concurrent", "10"));
    assertEquals(
        "api.example.com:8443  unlimited concurrent, 2.5 per second\n",
        expect(0, "hosts", "set", "api.example.com:8443", "--rate", "2.5"));
    assertTrue(
        expect(0, "hosts", "list")
            .matches(
                "(?s)HOST .*WAITING +BREAKER AT\napi.example.com +10 .*api.example.com:8443 .*"));
    assertTrue(
        expect(0, "hosts", "show", "api.example.com").matches("(?s).*max_concurrent +10\n.*"));
    assertTrue(expect(1, "hosts", "set", "a_b..c", "--rate", "1").contains("invalid_request"));
    assertEquals(
        "api.example.com:8443  settings deleted\n",
        expect(0, "hosts", "delete", "api.example.com:8443", "-y"));
    assertTrue(expect(3, "hosts", "show", "api.example.com:8443").contains("host_not_found"));
  }

  @Test
  void anOpenBreakerIsShownAndClosed() {
    String host = "127.0.0.1:9"; // where nothing listens
    expect(0, "hosts", "set", host, "--breaker-threshold", "1", "--breaker-timeout", "3600");
    String id =
        expect(0, "enqueue", "http://" + host + "/", "-c", "cli", "--min-backoff", "1s")
            .split(" ", 2)[0];
    await("circuit_breaker", "tasks", "show", id);
    assertTrue(await("OPEN HOST", "hosts", "list").contains(host));
    assertTrue(expect(0, "hosts", "show", host).matches("(?s).*threshold +1\n.*BREAKER.*"));
    assertTrue(await("OPEN HOST", "watch", "--times", "1").contains(host));
    assertTrue(expect(0, "watch", "--times", "1", "--json").contains("\"host\":\"" + host));
    expect(0, "hosts", "set", host, "--max-concurrent", "1", "--breaker-threshold", "1000");
    assertEquals(host + "  its circuit breaker is closed\n", expect(0, "hosts", "close", host));
    assertTrue(expect(3, "hosts", "close", host).contains("breaker_not_found"));
    expect(0, "tasks", "cancel", id);
    expect(0, "hosts", "delete", host, "-y");
  }

  @Test
  void theConfigurationIsExportedAndApplied(@TempDir Path folder) throws IOException {
    expect(0, "queues", "set", "cli-conf", "--weight", "9");
    String exported = expect(0, "config", "export", "--yaml");
    assertTrue(exported.contains("cli-conf"), exported);
    Path file = folder.resolve("all.yaml");
    Files.writeString(file, exported.replace("weight: 9", "weight: 8"));
    String trial = expect(0, "config", "apply", file.toString(), "--dry-run");
    assertTrue(trial.contains("cli-conf"), trial);
    assertTrue(expect(0, "queues", "show", "cli-conf").matches("(?s).*weight +9\n.*"));
    expect(0, "config", "apply", file.toString());
    assertTrue(expect(0, "queues", "show", "cli-conf").matches("(?s).*weight +8\n.*"));
    assertTrue(expect(2, "config", "apply", "/nowhere.yaml").contains("/nowhere.yaml"));
    assertTrue(expect(2, "config", "apply", file.toString(), "--prune").contains("--yes"));
  }

  @Test
  void aConfigurationOfManyPagesIsExportedCompletely(@TempDir Path folder) throws IOException {
    String body = "x\\ny: ".repeat(50_000);
    String entries =
        IntStream.range(0, 15)
            .mapToObj(i ->
                "\"page-%02d\": {\"client_id\": \"cli\", \"interval_sec\": 86400, \"task\": {\"url\": \"http://h/\", \"body\": \"%s\"}}"
                    .formatted(i, body))
            .collect(Collectors.joining(", "));
    Path file = folder.resolve("all");
    Files.writeString(file, "{\"schedules\": {" + entries + "}}");
    expect(0, "config", "apply", file.toString());
    for (String[] export :
        List.of(new String[] {"config", "export"}, new String[] {"config", "export", "--yaml"})) {
      String exported = expect(0, export);
      assertTrue(exported.length() > 4 << 20, exported.length() + " characters");
      assertFalse(exported.contains("next_cursor"));
      Files.writeString(file, exported);
      String trial =
          expect(0, "config", "apply", file.toString(), "--prune", "--dry-run", "--json");
      assertEquals(List.of(), changed(trial), trial);
      assertTrue(trial.matches("(?s).*\"schedules\":[^}]*\"unchanged\":1[5-9].*"), trial);
    }
    for (int i = 0; i < 15; i++) {
      expect(0, "schedules", "delete", "page-%02d".formatted(i), "--yes");
    }
  }

  /** The names that are created, updated or deleted. */
  private static List<String> changed(String changes) {
    return Pattern.compile("\"(?:created|updated|deleted)\":\\[([^]]+)]")
        .matcher(changes)
        .results()
        .map(found -> found.group(1))
        .toList();
  }

  @Test
  void aConfirmationOnATerminalDecides() {
    expect(0, "queues", "set", "cli-ask");
    Said no = run(Map.of(), "n\n", true, "queues", "delete", "cli-ask");
    assertEquals(1, no.status());
    assertEquals("This deletes the queue cli-ask. Continue? [y/N] ", no.out());
    assertEquals("Nothing was changed.\n", no.err());
    assertEquals(0, run(Map.of(), "y\n", true, "queues", "delete", "cli-ask").status());
    Said colour = run(Map.of(), "", true, "queues", "list");
    assertTrue(colour.out().startsWith("\u001b[1mQUEUE"), colour.out());
    Said plain = run(Map.of("NO_COLOR", "1"), "", true, "queues", "list");
    assertTrue(plain.out().startsWith("QUEUE"), plain.out());
  }

  @Test
  void aLoadIsPacedAndReported() throws Exception {
    String told =
        expect(0, "load", target.url("/"), "-c", "cli", "--rate", "200", "--count", "40", "--json");
    Map<String, Object> figures = Shown.object(JsonText.read(told));
    assertEquals(40, figures.get("accepted"));
    assertTrue(((Number) figures.get("seconds")).doubleValue() >= 0.195, told);
    for (int i = 0; i < 40; i++) {
      target.next();
    }
    assertTrue(expect(2, "load", target.url("/"), "--rate", "0").contains("--rate"));
    assertTrue(expect(1, "load", "ftp://x", "-c", "cli").contains("TARGET: must begin"));
  }

  @Test
  void aViewIsDrawnTheRequestedNumberOfTimes() {
    String drawn = expect(0, "watch", "--times", "2", "--every", "0.1");
    assertEquals(2, drawn.split("WORKER  ", -1).length - 1, drawn);
    assertTrue(drawn.contains("critical"), drawn);
    assertEquals(2, expect(0, "watch", "--times", "2", "--every", "0.1", "--json").lines().count());
  }

  @Test
  void aViewOnATerminalFitsItAndLeavesNothingBehind() {
    Map<String, String> size = Map.of("COLUMNS", "60", "LINES", "9", "NO_COLOR", "1");
    Said said = run(size, "", true, "watch", "--times", "2", "--every", "0.1");
    assertEquals(0, said.status(), said.err());
    String alternate = said.out().substring(0, said.out().indexOf("\u001b[?1049l"));
    assertTrue(alternate.startsWith("\u001b[?1049h"), alternate);
    for (String screen : alternate.split("\u001b\\[H", -1)) {
      List<String> lines = screen.replaceAll("\u001b\\[[?0-9]*[A-Za-z]", "").lines().toList();
      assertTrue(lines.size() <= 9, screen);
      assertTrue(lines.stream().allMatch(line -> line.length() <= 60), screen);
    }
    String after = said.out().substring(said.out().indexOf("\u001b[?1049l"));
    assertTrue(after.contains("critical"), "the last view stays: " + after);
    Said rejected = run(Map.of("TASK_RUNNER_ADMIN_KEY", "wrong"), "", true, "watch");
    assertEquals(5, rejected.status());
    assertFalse(rejected.out().contains("\u001b"), "no screen is begun for nothing");
  }

  @Test
  void whatHappenedIsShownByMinuteAndFailuresByTheirCause() throws Exception {
    target.answers("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
    enqueue("-q", "low");
    target.next();
    assertTrue(await("http_503", "failures", "low").contains("127.0.0.1"));
    assertTrue(await("http_503", "watch", "--times", "1").contains("last minute: "));
    String series = expect(0, "series", "low", "--last", "10m", "--step", "5m");
    assertTrue(series.startsWith("TIME "), series);
    assertEquals(4, series.lines().count(), series);
    assertTrue(expect(0, "series", "--json").contains("\"step_sec\":60"));
    assertTrue(expect(3, "series", "nowhere").contains("queue_not_found"));
  }

  @Test
  void anUnreachableServerAndARejectedKeyAreReported() throws IOException {
    Said nobody = run(Map.of("TASK_RUNNER_URL", "http://127.0.0.1:1"), "", false, "tasks", "list");
    assertEquals(4, nobody.status());
    assertTrue(nobody.err().contains("No response from http://127.0.0.1:1"), nobody.err());
    Said wrong = run(Map.of("TASK_RUNNER_ADMIN_KEY", "wrong"), "", false, "tasks", "list");
    assertEquals(5, wrong.status());
    assertTrue(wrong.err().contains("TASK_RUNNER_ADMIN_KEY"), wrong.err());
    assertFalse(wrong.err().contains("wrong"), wrong.err());
    assertEquals(
        2, run(Map.of("TASK_RUNNER_URL", "no where"), "", false, "tasks", "list").status());
    Path file = Files.createTempFile("key", "");
    Files.writeString(file, ADMIN + "\n");
    Said fromFile =
        run(
            Map.of("TASK_RUNNER_ADMIN_KEY", "", "TASK_RUNNER_ADMIN_KEY_FILE", file.toString()),
            "",
            false,
            "clients",
            "list");
    assertEquals(0, fromFile.status(), fromFile.err());
    Files.delete(file);
  }

  @Test
  void everyCommandHasHelpWithAnExample() {
    for (String command :
        "enqueue;tasks list;tasks count;tasks show;tasks wait;tasks cancel;tasks run;tasks retry;queues list;queues show;queues set;queues pause;queues resume;queues purge;queues delete;dead list;dead summary;dead replay;dead drop;schedules list;schedules show;schedules set;schedules next;schedules run;schedules pause;schedules resume;schedules delete;operations start;operations show;operations list;operations stop;clients list;clients show;clients set;clients delete;tiers list;tiers show;tiers set;tiers delete;signing show;signing set;signing delete;workers;stats;series;failures;health;pause;resume;listen;hosts list;hosts show;hosts set;hosts close;hosts delete;keys list;keys add;keys revoke;keys admin list;keys admin add;keys admin revoke;audit;config export;config apply;watch;load;completion"
            .split(";")) {
      String help = expect(0, (command + " --help").split(" "));
      assertTrue(help.contains("task-runner " + command.split(" ")[0]), help);
      assertTrue(help.contains("Example"), help);
    }
    assertEquals(
        "Missing command (expected: list, count, show, wait, cancel, run, retry).\nTry `task-runner tasks --help`.\n",
        expect(2, "tasks"));
    assertEquals(
        "Unknown command \"lsit\". Did you mean \"list\"?\nTry `task-runner tasks --help`.\n",
        expect(2, "tasks", "lsit"));
    assertTrue(expect(2, "tasks", "list", "--nonsense").contains("--nonsense"));
  }

  @Test
  void shellsCanComplete() {
    assertTrue(expect(0, "completion", "bash").contains("-F _task_runner task-runner"));
    String fish = expect(0, "completion", "fish");
    assertTrue(fish.contains("task-runner complete"), fish);
    expect(0, "queues", "set", "cli-complete");
    assertEquals("cli-complete\n", expect(0, "complete", "queues", "pause", "cli-com"));
    assertEquals("premium\n", expect(0, "complete", "clients", "set", "x", "--tier", "p"));
    assertEquals("dead\n", expect(0, "complete", "tasks", "list", "--state", "d"));
    assertEquals("dead\ndev\ndoctor\n", expect(0, "complete", "d"));
    assertEquals("retry\nrun\n", expect(0, "complete", "operations", "start", "r"));
    assertEquals("--follow\n", expect(0, "complete", "tasks", "list", "--fo"));
    assertEquals("retry\nrun\n", expect(0, "complete", "tasks", "r"));
    assertTrue(expect(2, "completion", "tcsh").contains("bash, zsh or fish"));
  }
}
