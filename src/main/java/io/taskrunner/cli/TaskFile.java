package io.taskrunner.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Enqueues a file of tasks, one JSON object per line, in batches. */
final class TaskFile {

  private static final int BATCH_MAX = 500;

  /** Characters of the lines of a batch; its body may have 16 MiB. */
  private static final int CHARACTERS_MAX = 4 << 20;

  private final Api api;
  private final Out out;
  private final Map<String, @Nullable Object> defaults;
  private final List<Object> tasks = new ArrayList<>();
  private final List<Integer> lines = new ArrayList<>();
  private int characters;
  private int enqueued;
  private int duplicate;
  private int rejected;

  /**
   * For a server.
   *
   * @param defaults of the tasks, as an enqueue of one would send them
   */
  TaskFile(Api api, Out out, Map<String, @Nullable Object> defaults) {
    this.api = api;
    this.out = out;
    this.defaults = new LinkedHashMap<>(defaults);
    this.defaults.remove("task");
  }

  /**
   * Enqueues the tasks of a file.
   *
   * @param file its path, or - for standard input
   * @return the exit status: 1 when a task was rejected
   */
  int enqueue(String file, Surroundings around) throws Failure {
    try (Reader from =
            file.equals("-")
                ? new InputStreamReader(around.in(), StandardCharsets.UTF_8)
                : Files.newBufferedReader(Path.of(file));
        BufferedReader reader = new BufferedReader(from)) {
      int number = 0;
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        number++;
        if (!line.isBlank()) {
          add(line, number, around);
        }
      }
      send(around);
    } catch (IOException unreadable) {
      throw new Failure(
          Failure.MISUSED,
          "--file: " + file + " cannot be read; check the path and its permissions");
    }
    out.say(enqueued + " enqueued, " + duplicate + " duplicate, " + rejected + " rejected");
    return rejected == 0 ? 0 : Failure.REFUSED;
  }

  private void add(String line, int number, Surroundings around) throws Failure {
    try {
      if (!(JsonText.read(line) instanceof Map<?, ?> task)) {
        throw new IOException("not an object");
      }
      tasks.add(task);
    } catch (IOException notJson) {
      reject(number, "not a JSON object", around);
      return;
    }
    lines.add(number);
    characters += line.length();
    if (tasks.size() == BATCH_MAX || characters > CHARACTERS_MAX) {
      send(around);
    }
  }

  private void send(Surroundings around) throws Failure {
    if (tasks.isEmpty()) {
      return;
    }
    Map<String, @Nullable Object> batch = new LinkedHashMap<>(defaults);
    batch.put("tasks", List.copyOf(tasks));
    Api.Reply reply = api.send("POST", "/v1/enqueue/batch", JsonText.copy(batch));
    List<Map<String, @Nullable Object>> results;
    if (reply.status() < 400) {
      results = Shown.list(reply.object(), "results");
      out.raw(reply);
    } else {
      Failure failure = Api.refusal(reply);
      results = failure.errors();
      if (results.size() != tasks.size()) {
        throw failure; // of the batch, not of its tasks
      }
    }
    for (int i = 0; i < results.size(); i++) {
      switch (String.valueOf(results.get(i).get("status"))) {
        case "enqueued" -> enqueued++;
        case "duplicate" -> duplicate++;
        default -> reject(lines.get(i), Shown.text(results.get(i), "detail"), around);
      }
    }
    tasks.clear();
    lines.clear();
    characters = 0;
  }

  private void reject(int line, String why, Surroundings around) {
    rejected++;
    around.err().println("line " + line + ": " + why);
  }
}
