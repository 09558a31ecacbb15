package io.taskrunner.http.admin;

import com.linecorp.armeria.common.HttpMethod;
import io.taskrunner.http.call.Access;
import io.taskrunner.http.call.Answer;
import io.taskrunner.http.call.Call;
import io.taskrunner.http.call.Faults;
import io.taskrunner.http.call.JsonOut;
import io.taskrunner.http.call.Route;
import io.taskrunner.store.AuditStore;
import io.taskrunner.store.AuditStore.Entry;
import io.taskrunner.store.AuditStore.Page;
import io.taskrunner.store.TaskStore.BadCursor;
import java.io.IOException;
import java.util.List;
import java.util.Map;

/** {@code GET /admin/audit}: the changes of admins. */
public final class Trail {

  private static final int LIMIT = 50;

  private static final int LIMIT_MAX = 1000;

  private final AuditStore audits;

  /** Over a store. */
  public Trail(AuditStore audits) {
    this.audits = audits;
  }

  /** The routes. */
  public List<Route> routes() {
    return List.of(
        Route.of(HttpMethod.GET, "/admin/audit", Access.ADMIN, this::list)
            .taking("limit", "cursor", "who", "what"));
  }

  private Answer list(Call call) {
    Faults faults = new Faults();
    Call.Query query = call.query(faults);
    int limit = query.integer("limit", LIMIT, 1, LIMIT_MAX);
    String who = query.text("who").orElse(null);
    String what = query.text("what").orElse(null);
    String cursor = query.cursor();
    faults.raise();
    try {
      Page page = audits.list(who, what, limit, cursor);
      return Answer.ok(
          JsonOut.object(out -> {
            out.array(
                "entries",
                items -> {
                  for (Entry entry : page.entries()) {
                    items.item(item -> write(item, entry));
                  }
                });
            out.text("next_cursor", query.nextCursor(page.nextCursor()));
          }));
    } catch (BadCursor badCursor) {
      throw query.badCursor();
    }
  }

  private static void write(JsonOut out, Entry entry) throws IOException {
    out.time("time", entry.time());
    out.text("who", entry.change().who());
    out.text("what", entry.change().what());
    out.text("request_id", entry.change().requestId());
    out.object(
        "details",
        details -> {
          for (Map.Entry<String, String> detail : entry.change().details().entrySet()) {
            details.text(detail.getKey(), detail.getValue());
          }
        });
  }
}
