package io.taskrunner.http.call;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.spi.LoggingEventBuilder;

/** Tells the log of each change that an admin made: who, what, and in which call. */
public final class Audit {

  private static final Logger LOG = LoggerFactory.getLogger(Audit.class);

  /**
   * Tells of a change, once it is made.
   *
   * @param what in a few words, such as {@code queue paused}
   * @param details names and values, in turn; no secrets
   */
  public void tell(Call call, String what, String... details) {
    LoggingEventBuilder line =
        LOG.atInfo()
            .addKeyValue("caller", call.caller().name())
            .addKeyValue("request_id", call.id());
    for (int i = 0; i < details.length; i += 2) {
      line = line.addKeyValue(details[i], details[i + 1]);
    }
    line.log(what);
  }
}
