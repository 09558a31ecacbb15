package io.taskrunner.http.admin;

import com.linecorp.armeria.common.HttpMethod;
import io.taskrunner.http.call.Access;
import io.taskrunner.http.call.Answer;
import io.taskrunner.http.call.Call;
import io.taskrunner.http.call.JsonOut;
import io.taskrunner.http.call.Route;
import io.taskrunner.store.WorkersStore;
import io.taskrunner.store.WorkersStore.Present;
import java.util.List;

/** {@code GET /admin/workers}: the workers. */
public final class Workers {

  private final WorkersStore workers;

  /** Over a store. */
  public Workers(WorkersStore workers) {
    this.workers = workers;
  }

  /** The routes. */
  public List<Route> routes() {
    return List.of(Route.of(HttpMethod.GET, "/admin/workers", Access.ADMIN, this::list));
  }

  private Answer list(Call call) {
    List<Present> present = workers.list();
    return Answer.ok(
        JsonOut.object(out ->
            out.array(
                "workers",
                items -> {
                  for (Present worker : present) {
                    items.item(item -> write(item, worker));
                  }
                })));
  }

  private static void write(JsonOut out, Present worker) throws java.io.IOException {
    WorkersStore.Facts facts = worker.facts();
    out.text("id", facts.id());
    out.text("host", facts.host());
    out.text("version", facts.version());
    out.number("slots", (long) facts.slots());
    out.number("running", (long) facts.running());
    out.flag("alive", worker.alive());
    out.flag("stopping", facts.stopping());
    out.time("started_time", facts.started());
    out.time("last_heartbeat", worker.beat());
  }
}
