package io.taskrunner.http.call;

import io.taskrunner.store.AuditStore;
import io.taskrunner.store.AuditStore.Change;
import io.taskrunner.store.StoreUnavailable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * Records each change of an admin: key, change, and call. Writes to the log first, which cannot
 * fail, then to the audit trail in the store; both after the change. If the store becomes
 * unavailable in between, the change remains without an entry in the trail, and its log line notes
 * that.
 */
public final class Audit {

  private static final Logger LOG = LoggerFactory.getLogger(Audit.class);

  private final AuditStore trail;

  /** Over a store. */
  public Audit(AuditStore trail) {
    this.trail = trail;
  }

  /**
   * Records changed settings. Blocks.
   *
   * @param thing its kind, such as {@code queue}, and its name
   * @param changes as {@link Changes#between} names them
   */
  public void tell(Call call, String what, String thing, String name, List<String> changes) {
    List<String> details = new ArrayList<>(List.of(thing, name));
    details.addAll(changes);
    tell(call, what, details.toArray(String[]::new));
  }

  /**
   * Records a change that has happened. Blocks.
   *
   * @param what in a few words, such as {@code queue paused}
   * @param details names and values, alternately; no secrets
   */
  public void tell(Call call, String what, String... details) {
    LoggingEventBuilder line =
        LOG.atInfo()
            .addKeyValue("caller", call.caller().name())
            .addKeyValue("request_id", call.id());
    Map<String, String> named = new LinkedHashMap<>();
    if (Sessions.isOf(call.headers())) {
      named.put("through", "dashboard");
    }
    for (int i = 0; i < details.length; i += 2) {
      line = line.addKeyValue(details[i], details[i + 1]);
      named.put(details[i], details[i + 1]);
    }
    line.log(what);
    try {
      trail.add(new Change(call.caller().shownKey(), what, call.id(), named));
    } catch (RuntimeException lost) {
      LOG.atWarn()
          .addKeyValue("request_id", call.id())
          .addKeyValue("reason", String.valueOf(lost.getMessage()))
          .setCause(lost instanceof StoreUnavailable ? null : lost)
          .log("the change is missing in the audit trail, and only in this log: {}", what);
    }
  }
}
