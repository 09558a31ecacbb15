package io.taskrunner.http.admin;

import com.linecorp.armeria.common.HttpMethod;
import io.taskrunner.http.call.Access;
import io.taskrunner.http.call.Answer;
import io.taskrunner.http.call.Audit;
import io.taskrunner.http.call.Call;
import io.taskrunner.http.call.JsonOut;
import io.taskrunner.http.call.Route;
import io.taskrunner.store.QueueStore;
import java.util.List;

/** The calls under {@code /admin/dispatch}: the global pause. */
public final class Dispatch {

  private final QueueStore queues;
  private final Audit audit;

  /** Over a store; logs changes. */
  public Dispatch(QueueStore queues, Audit audit) {
    this.queues = queues;
    this.audit = audit;
  }

  /** The routes. */
  public List<Route> routes() {
    return List.of(
        Route.of(HttpMethod.GET, "/admin/dispatch", Access.ADMIN, _ -> answer(queues.allPaused())),
        Route.of(
            HttpMethod.POST,
            "/admin/dispatch/pause",
            Access.ADMIN,
            Route.Body.OPTIONAL,
            call -> set(call, true)),
        Route.of(
            HttpMethod.POST,
            "/admin/dispatch/resume",
            Access.ADMIN,
            Route.Body.OPTIONAL,
            call -> set(call, false)));
  }

  private Answer set(Call call, boolean paused) {
    call.noFields();
    queues.pauseAll(paused);
    audit.tell(call, paused ? "dispatch paused" : "dispatch resumed");
    return answer(paused);
  }

  private static Answer answer(boolean paused) {
    return Answer.ok(JsonOut.object(out -> out.flag("paused", paused)));
  }
}
