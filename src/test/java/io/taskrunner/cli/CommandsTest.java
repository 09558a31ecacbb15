package io.taskrunner.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Values, refusals and lists of the commands, and the commands for the server as a whole. */
class CommandsTest extends CliProgram {

  @Test
  void timesHaveUnitsInEveryOption() {
    String id = enqueue("--delay", "10m", "--retention", "3d", "--timeout", "1m30s");
    assertTrue(expect(0, "tasks", "list", "--label", "none:none").contains("(none)"));
    String shown = expect(0, "tasks", "show", id);
    assertTrue(shown.contains("scheduled"), shown);
    expect(0, "tasks", "cancel", id);
    assertEquals(
        "--delay: \"10x\" (expected: seconds, or a time such as 500ms, 90s, 10m, 2h, 3d or 1h30m)\n"
            + "Try `task-runner enqueue --help`.\n",
        expect(2, "enqueue", target.url("/"), "--delay", "10x"));
    assertEquals(
        "--limit: \"abc\" (expected: a number)\nTry `task-runner tasks list --help`.\n",
        expect(2, "tasks", "list", "--limit", "abc"));
    expect(0, "schedules", "set", "cmd-units", target.url("/"), "-c", "cli", "--every", "1h");
    assertTrue(expect(0, "schedules", "show", "cmd-units").matches("(?s).*interval_sec +3600\n.*"));
    expect(0, "schedules", "delete", "cmd-units", "-y");
  }

  @Test
  void theBeginningOfAFailedResponseIsShown() throws Exception {
    expect(0, "queues", "set", "cmd-why", "--set", "retry={\"max_retries\": 0}");
    String body = "{\"error\": \"no such customer\",\n \"token\": \"s3cr3t\"}\u001b[2J";
    target.answers("HTTP/1.1 500 No\r\nContent-Length: " + body.length() + "\r\n\r\n" + body);
    String id = enqueue("-q", "cmd-why");
    target.next();
    String shown = await("dead", "tasks", "show", id);
    assertTrue(
        shown.contains(
            "    excerpt\n      {\"error\": \"no such customer\",\n       \"token\": \"***\"}?[2J\n"),
        shown);
    String listed = expect(0, "dead", "list", "cmd-why");
    assertTrue(
        listed.contains("  {\"error\": \"no such customer\", \"token\": \"***\"}?[2J\n"), listed);
    String json = expect(0, "tasks", "show", id, "--json");
    assertTrue(json.contains("\\n \\\"token\\\": \\\"***\\\"}\\u001B[2J"), json);
  }

  @Test
  void aTaskIsEnqueuedAgainWithAChange() throws Exception {
    String id = enqueue("-H", "X-Token: s3cr3t", "-d", "x", "--delay", "1h", "-l", "copied=1");
    String copy = expect(0, "enqueue", "--copy-of", id, "-d", "y").split(" ", 2)[0];
    var received = target.next();
    assertEquals("s3cr3t", received.header("X-Token"));
    assertEquals("y", new String(received.body(), StandardCharsets.UTF_8));
    assertTrue(expect(0, "tasks", "list", "-l", "copied=1").contains(copy));
    assertEquals("2\n", expect(0, "tasks", "count", "-l", "copied=1"));
    assertTrue(
        expect(1, "enqueue", "http://127.0.0.1:1/", "--copy-of", id).contains("masked secret"));
    assertTrue(expect(2, "enqueue", "--copy-of", id, "--file", "x").contains("--file alone"));
    String done = expect(0, "operations", "start", "cancel", "--id", id, "--yes", "--wait");
    assertTrue(done.contains("cancel done: 1 done"), done);
  }

  @Test
  void aQueueThatDoesNotExistIsReported() {
    assertTrue(expect(3, "tasks", "list", "--queue", "nope").contains("\"nope\""));
    assertTrue(expect(3, "dead", "list", "nope").contains("\"nope\""));
    assertTrue(expect(3, "tasks", "count", "--queue", "nope").contains("\"nope\""));
  }

  @Test
  void anUnknownClientOfAScheduleIsWarnedOf() {
    Said client =
        run("schedules", "set", "cmd-typo", target.url("/"), "-c", "cmd-nobody", "--every", "1d");
    assertEquals(0, client.status(), client.err());
    assertEquals("Warning: the client cmd-nobody does not exist.\n", client.err());
    assertEquals(
        "",
        run("schedules", "set", "cmd-typo", target.url("/"), "-c", "cli", "--every", "1d").err());
    expect(0, "schedules", "delete", "cmd-typo", "-y");
  }

  @Test
  void labelsAreWrittenInBothWays() throws Exception {
    String id = enqueue("-l", "order:4711", "-l", "who=me:you");
    target.next();
    assertTrue(expect(0, "tasks", "list", "--label", "order=4711").contains(id));
    assertTrue(expect(0, "tasks", "list", "--label", "who:me:you").contains(id));
    assertTrue(expect(2, "tasks", "list", "-l", "order").contains("NAME=VALUE or NAME:VALUE"));
  }

  @Test
  void rejectionsNameTheOptionsOfTheCommand() {
    String two = expect(1, "enqueue", "ftp://x", "--client", "a");
    assertTrue(two.contains("\n  --client: \"a\" (expected: "), two);
    assertTrue(two.contains("\n  TARGET: must begin with"), two);
    String one = expect(1, "queues", "set", "cmd-q", "--rate", "0");
    assertTrue(one.startsWith("--rate: 0 (expected: "), one);
    assertEquals(1, one.lines().count(), one);
    assertTrue(
        expect(1, "enqueue", target.url("/"), "-c", "cli", "--at", "x").startsWith("--at: "));
  }

  @Test
  void aRejectionWithJsonIsTheProblemDocument() throws IOException {
    String said = expect(3, "queues", "show", "nowhere", "--json");
    assertEquals("queue_not_found", Shown.text(Shown.object(JsonText.read(said)), "code"));
    Said wrong = run(Map.of("TASK_RUNNER_URL", "127.0.0.1:1"), "", false, "stats", "--json");
    assertEquals(4, wrong.status());
    assertEquals("unreachable", Shown.text(Shown.object(JsonText.read(wrong.err())), "code"));
    Said unauthorized =
        run(Map.of("TASK_RUNNER_ADMIN_KEY", ""), "", false, "queues", "set", "x", "--key", "tr_no");
    assertEquals(5, unauthorized.status());
    assertTrue(unauthorized.err().contains("unauthenticated"), unauthorized.err());
  }

  @Test
  void eachOfSeveralTasksHasItsResult() throws Exception {
    String first = enqueue("--delay", "1h");
    String second = enqueue("--delay", "1h");
    Said said = run("tasks", "cancel", first, "00000000-0000-7000-8000-000000000000", second);
    assertEquals(1, said.status());
    assertEquals(first + "  cancelled\n" + second + "  cancelled\n", said.out());
    assertTrue(said.err().startsWith("00000000-0000-7000-8000-000000000000  "), said.err());
  }

  @Test
  void allPagesAreJsonLinesOrOneTable() throws IOException {
    for (int i = 0; i < 5; i++) {
      enqueue("--delay", "1h", "-l", "page=all");
    }
    String[] list = {"tasks", "list", "-l", "page=all", "-n", "2", "--all"};
    List<String> json = expect(0, with(list, "--json")).lines().toList();
    assertEquals(5, json.size());
    for (String line : json) {
      Map<String, Object> task = Shown.object(JsonText.read(line));
      assertEquals("scheduled", Shown.text(task, "state"));
      assertTrue(task.containsKey("last_error"), "null members are kept");
    }
    assertEquals(8, expect(0, list).lines().count(), "three pages, each with its titles");
    expect(
        0, "operations", "start", "cancel", "-l", "page=all", "-s", "scheduled", "--wait", "--yes");
  }

  private static String[] with(String[] words, String more) {
    String[] all = java.util.Arrays.copyOf(words, words.length + 1);
    all[words.length] = more;
    return all;
  }

  @Test
  void tablesAreCutToTheTerminal() {
    Said narrow = run(Map.of("COLUMNS", "40", "NO_COLOR", "1"), "", true, "queues", "list");
    assertTrue(narrow.out().lines().allMatch(line -> line.length() <= 40), narrow.out());
    assertTrue(narrow.out().contains("…"), narrow.out());
  }

  @Test
  void settingMergesUnlessItReplaces() {
    expect(0, "hosts", "set", "merge.example.com", "--max-concurrent", "5");
    assertEquals(
        "merge.example.com  5 concurrent, 50 per second\n",
        expect(0, "hosts", "set", "merge.example.com", "--rate", "50"));
    assertEquals(
        "merge.example.com  unlimited concurrent, 9 per second\n",
        expect(0, "hosts", "set", "merge.example.com", "--rate", "9", "--replace"));
    expect(0, "hosts", "delete", "merge.example.com", "-y");
    assertTrue(expect(2, "hosts", "set", "merge.example.com").contains("Nothing to set"));

    expect(0, "queues", "set", "cmd-merge", "--max-retries", "3", "--weight", "7");
    expect(0, "queues", "set", "cmd-merge", "--min-backoff", "1m");
    String queue = expect(0, "queues", "show", "cmd-merge");
    assertTrue(queue.matches("(?s).*max_retries +3\n.*min_backoff_sec +60\n.*"), queue);
    expect(0, "queues", "set", "cmd-merge", "--replace");
    assertTrue(expect(0, "queues", "show", "cmd-merge").matches("(?s).*weight +1\n.*"));

    expect(
        0,
        "schedules",
        "set",
        "cmd-s",
        target.url("/a?token=x"),
        "-c",
        "cli",
        "--every",
        "1h",
        "-l",
        "a=b");
    assertTrue(expect(0, "schedules", "set", "cmd-s", "--cron", "0 0 1 1 *").contains("updated"));
    String schedule = expect(0, "schedules", "show", "cmd-s");
    assertTrue(schedule.matches("(?s).*cron +0 0 1 1 \\*\n.*labels\n  a +b\n.*"), schedule);
    assertFalse(schedule.contains("interval_sec"), schedule);
    expect(0, "schedules", "delete", "cmd-s", "-y");
  }

  @Test
  void manyTasksAreEnqueuedFromAFile(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("tasks.jsonl");
    String good = "{\"task\":{\"url\":\"" + target.url("/f") + "\"},\"labels\":{\"n\":\"1\"}}\n";
    Files.writeString(file, good + "\nnonsense\n{\"task\":{\"url\":\"nope\"}}\n" + good);
    Said said =
        run("enqueue", "--file", file.toString(), "-c", "cli", "-l", "import=7", "--delay", "1h");
    assertEquals(1, said.status());
    assertEquals("2 enqueued, 0 duplicate, 2 rejected\n", said.out());
    assertEquals(
        "line 3: not a JSON object\nline 4: task.url: must begin with http:// or https://\n",
        said.err().lines().sorted().reduce("", (all, line) -> all + line + "\n"));
    assertEquals(
        2, expect(0, "tasks", "list", "-l", "import=7", "--all", "--json").lines().count());
    expect(
        0, "operations", "start", "cancel", "-l", "import=7", "-s", "scheduled", "--wait", "--yes");
    assertTrue(expect(2, "enqueue").contains("expected one of them"));
  }

  @Test
  void aTaskIsAwaited() throws Exception {
    String id = enqueue();
    target.next();
    assertEquals(id + "  succeeded\n", expect(0, "tasks", "wait", id));
    String later = enqueue("--delay", "1h");
    assertTrue(expect(1, "tasks", "wait", later, "--timeout", "10ms").contains("still scheduled"));
    expect(0, "tasks", "cancel", later);
    assertEquals(1, run("tasks", "wait", later).status());
  }

  @Test
  void theUsualClientIsThatOfTheEnvironment() throws Exception {
    Said said =
        run(Map.of("TASK_RUNNER_CLIENT", "cli"), "", false, "enqueue", target.url("/c"), "--json");
    assertEquals("cli", Shown.text(Shown.object(JsonText.read(said.out())), "client_id"));
    target.next();
    Said open =
        run(Map.of("TASK_RUNNER_ADMIN_KEY", ""), "", false, "enqueue", target.url("/d"), "--json");
    assertEquals("dev", Shown.text(Shown.object(JsonText.read(open.out())), "client_id"));
    target.next();
  }

  @Test
  void secretsTiersAndTheStateOfTheServerHaveCommands() {
    expect(0, "clients", "set", "cmd-signed");
    Said secret = run("signing", "set", "cmd-signed");
    assertTrue(secret.out().matches("whsec_\\S+\n"), secret.out());
    assertTrue(secret.err().contains("keys add cmd-signed"), secret.err());
    assertTrue(expect(0, "signing", "set", "cmd-signed", "--type", "ed25519").startsWith("whpk_"));
    assertTrue(expect(0, "signing", "show", "cmd-signed").contains("ed25519"));
    expect(0, "signing", "delete", "cmd-signed", "-y");
    assertEquals(
        "cmd-tier  500 per minute, 10 concurrent\n",
        expect(0, "tiers", "set", "cmd-tier", "--per-minute", "500", "--max-concurrent", "10"));
    assertTrue(expect(0, "tiers", "set", "cmd-tier", "--per-minute", "9").contains("10 conc"));
    assertTrue(expect(0, "tiers", "list").contains("enterprise"));
    expect(0, "tiers", "delete", "cmd-tier", "-y");
    assertTrue(expect(0, "workers").contains("alive"));
    assertTrue(expect(0, "stats").contains("ready_per_slot"));
    assertTrue(expect(0, "health").contains("status"));
    assertTrue(expect(0, "pause").contains("paused"));
    assertTrue(expect(0, "resume").contains("again"));
  }

  @Test
  void whatKeepsATaskFromStartingIsShown() {
    expect(0, "queues", "set", "cli-held");
    expect(0, "queues", "pause", "cli-held");
    String held = expect(0, "enqueue", target.url("/"), "-c", "cli", "-q", "cli-held");
    assertTrue(
        held.endsWith("  enqueued in cli-held, waits: The queue cli-held is paused.\n"), held);
    String id = held.split(" ", 2)[0];
    assertTrue(expect(0, "tasks", "show", id).endsWith("\nwaits: The queue cli-held is paused.\n"));
    expect(0, "queues", "delete", "cli-held", "--force", "--yes");
    Said unknown = run("clients", "set", "cmd-unknown", "--queues", "default,cli-nope");
    assertEquals(0, unknown.status());
    assertEquals("Warning: the queue cli-nope does not exist.\n", unknown.err());
  }

  @Test
  void aBulkChangeShowsTheNumberOfTasksBeforeItAsks() {
    expect(0, "queues", "set", "cli-count");
    for (int i = 0; i < 3; i++) {
      enqueue("-q", "cli-count", "--delay", "1h");
    }
    Said asked = run(Map.of(), "n\n", true, "operations", "start", "cancel", "-q", "cli-count");
    assertEquals(1, asked.status(), asked.err());
    assertEquals("This cancels 3 tasks with queue=cli-count. Continue? [y/N] ", asked.out());
    String filter = "This cancels 3 tasks with queue=cli-count. Pass --yes to confirm.\n";
    assertEquals(filter, expect(2, "operations", "start", "cancel", "-q", "cli-count"));
    assertEquals(
        "This deletes 3 tasks that wait in the queue cli-count. Pass --yes to confirm.\n",
        expect(2, "queues", "purge", "cli-count"));
    assertEquals(
        "This deletes the queue cli-count and its 3 tasks. Pass --yes to confirm.\n",
        expect(2, "queues", "delete", "cli-count", "--force"));
    assertEquals(
        "This deletes 0 dead tasks of the queue cli-count. Pass --yes to confirm.\n",
        expect(2, "dead", "drop", "cli-count"));
    assertTrue(
        expect(2, "clients", "delete", "cli").matches("(?s).*and its \\d+ unfinished tasks?\\..*"));
    assertTrue(
        expect(2, "operations", "start", "retry", "--state", "dead")
            .matches(
                "This retries [\\d,]+ tasks? with state=dead, of all queues\\. Pass --yes.*\n"));
    assertTrue(expect(3, "queues", "purge", "cli-nope").contains("cli-nope"));
    assertTrue(expect(2, "operations", "start", "explode", "-q", "cli").contains("\"explode\""));
    String done = expect(0, "operations", "start", "cancel", "-q", "cli-count", "-y", "--wait");
    assertTrue(done.contains("3 done"), done);
  }

  @Test
  void errorsOfADocumentNameFileLineAndField(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("config.yaml");
    Files.writeString(
        file, "queues:\n  cli-a:\n    weight: 5\n  cli-b:\n    weight: 0\n    speed: 1\n");
    String said = expect(1, "config", "apply", file.toString());
    assertTrue(said.contains("\n  " + file + ":5: queues.cli-b.weight: 0 (expected: "), said);
    assertTrue(said.contains("\n  " + file + ":6: queues.cli-b.speed: "), said);
    Files.writeString(file, "queues:\n  cli-a: [\n");
    said = expect(1, "config", "apply", file.toString());
    assertTrue(said.startsWith(file + ": malformed YAML near line "), said);
    Files.writeString(file, "{\"queues\":\n{\"cli-a\": {\"weight\": 0}}}");
    said = expect(1, "config", "apply", file.toString());
    assertTrue(said.startsWith(file + ":2: queues.cli-a.weight: 0 "), said);
  }

  @Test
  void theChangesOfADocumentAreShownFieldByField(@TempDir Path folder) throws IOException {
    expect(0, "queues", "set", "cli-old", "--weight", "2");
    Path file = folder.resolve("config.yaml");
    Files.writeString(
        file, "queues:\n  cli-old: {weight: 4}\n  cli-new: {}\n  critical: {weight: 6}\n");
    String said = expect(0, "config", "apply", file.toString(), "--dry-run");
    assertTrue(said.matches("(?s).*\nqueues +cli-new +created\n.*"), said);
    assertTrue(said.matches("(?s).*\nqueues +cli-old +updated +weight: 2 -> 4\n.*"), said);
    assertTrue(
        said.endsWith(
            "\n1 created, 1 updated, 0 deleted, 1 unchanged (dry run: nothing was changed)\n"),
        said);
    String pruned = expect(2, "config", "apply", file.toString(), "--prune");
    assertTrue(
        pruned.matches(
            "This deletes everything that .* does not contain \\(\\d+; --dry-run lists it\\)\\..*\n"),
        pruned);
  }

  @Test
  void theNextTimesOfACronExpressionArePrinted() {
    String times =
        expect(0, "schedules", "next", "30 2 1 1 *", "--zone", "Asia/Tokyo", "--count", "2");
    assertTrue(times.matches("(\\d{4}-01-01T02:30:00\\+09:00\n){2}"), times);
    assertTrue(expect(2, "schedules", "next", "x").startsWith("CRON: "));
    assertTrue(expect(2, "schedules", "next", "* * * * *", "--zone", "Mars").contains("--zone"));
  }
}
