package io.taskrunner.http.admin;

import com.linecorp.armeria.common.HttpMethod;
import io.taskrunner.http.call.Access;
import io.taskrunner.http.call.Answer;
import io.taskrunner.http.call.Audit;
import io.taskrunner.http.call.Call;
import io.taskrunner.http.call.Faults;
import io.taskrunner.http.call.JsonOut;
import io.taskrunner.http.call.Missing;
import io.taskrunner.http.call.Refusal;
import io.taskrunner.http.call.Route;
import io.taskrunner.store.HostStore;
import io.taskrunner.store.TargetHost.Open;
import io.taskrunner.task.TargetUrl;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/** The calls under {@code /admin/breakers}: circuit breakers of hosts that are not closed. */
public final class Breakers {

  private static final int LIMIT = 50;
  private static final int LIMIT_MAX = 1000;

  private final HostStore hosts;
  private final Audit audit;

  /** Over a store; logs changes. */
  public Breakers(HostStore hosts, Audit audit) {
    this.hosts = hosts;
    this.audit = audit;
  }

  /** The routes. */
  public List<Route> routes() {
    return List.of(
        Route.of(HttpMethod.GET, "/admin/breakers", Access.ADMIN, this::list)
            .taking("host", "limit", "cursor"),
        Route.of(HttpMethod.DELETE, "/admin/breakers/{host}", Access.ADMIN, this::close));
  }

  private Answer list(Call call) {
    Faults faults = new Faults();
    Call.Query query = call.query(faults);
    Optional<String> given = query.text("host");
    Optional<String> host = given.flatMap(TargetUrl::hostOf);
    if (given.isPresent() && host.isEmpty()) {
      query.fault("host", given.get(), Hosts.FORM);
    }
    int limit = query.integer("limit", LIMIT, 1, LIMIT_MAX);
    String after = query.cursor();
    faults.raise();
    List<Open> open =
        hosts.open().stream()
            .filter(one -> host.isEmpty() || one.isOf(host.get()))
            .filter(one -> after == null || one.host().compareTo(after) > 0)
            .toList();
    List<Open> page = open.subList(0, Math.min(limit, open.size()));
    return Answer.ok(
        JsonOut.object(out -> {
          out.array(
              "breakers",
              each -> {
                for (Open one : page) {
                  each.item(item -> write(item, one));
                }
              });
          String next = page.size() < open.size() ? page.getLast().host() : null;
          out.text("next_cursor", query.nextCursor(next));
        }));
  }

  private static void write(JsonOut out, Open open) throws IOException {
    out.text("host", open.host());
    out.text("state", open.halfOpen() ? "half_open" : "open");
    out.time("opened_time", open.since());
    if (open.halfOpen()) {
      out.text("next_probe_time", null);
    } else {
      out.time("next_probe_time", open.probesFrom());
    }
    out.number("probes_running", open.probing());
    out.number("probes_allowed", open.allowed());
    out.number("waiting", open.waiting());
  }

  private Answer close(Call call) {
    String host = TargetUrl.hostOf(call.param(0)).filter(hosts::close).orElse(null);
    if (host == null) {
      throw new Refusal(Missing.breaker(call.param(0)));
    }
    audit.tell(call, "circuit breaker closed", "host", host);
    return Answer.noContent();
  }
}
