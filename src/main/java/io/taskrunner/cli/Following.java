package io.taskrunner.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Prints tasks as they come and change, until it is interrupted. */
final class Following {

  private static final long LOOK_MILLIS = 1000;
  private static final int PAGE = 200;
  private static final int KNOWN_MAX = 10_000;

  private final Api api;
  private final Out out;
  private final Map<String, @Nullable Object> query;
  private final Map<String, String> known =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, String> eldest) {
          return size() > KNOWN_MAX;
        }
      };

  /** Tasks that a query returns; of those the newest {@value #PAGE} are looked at. */
  Following(Api api, Out out, Map<String, @Nullable Object> query) {
    this.api = api;
    this.out = out;
    this.query = query;
    query.put("limit", PAGE);
  }

  int run(List<Out.Column> columns) throws Failure, InterruptedException {
    boolean titled = false;
    while (true) {
      List<Map<String, @Nullable Object>> fresh = new ArrayList<>();
      for (Map<String, @Nullable Object> task :
          Shown.list(api.get(Api.query("/v1/tasks", query)).object(), "tasks").reversed()) {
        String state = Shown.text(task, "state") + Shown.list(task, "attempts").size();
        if (!state.equals(known.put(Shown.text(task, "task_id"), state))) {
          fresh.add(task);
        }
      }
      if (out.json()) {
        fresh.forEach(task -> out.to().println(JsonText.copy(task)));
      } else if (!fresh.isEmpty()) {
        out.table(fresh, columns, !titled);
        titled = true;
      }
      out.to().flush();
      TimeUnit.MILLISECONDS.sleep(LOOK_MILLIS);
    }
  }
}
