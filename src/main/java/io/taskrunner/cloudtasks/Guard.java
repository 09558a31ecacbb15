package io.taskrunner.cloudtasks;

import com.google.rpc.Code;
import io.taskrunner.config.ApiSettings;
import io.taskrunner.http.call.Caller;
import java.util.List;

/** What a caller may do. */
final class Guard {

  private final boolean open;

  Guard(ApiSettings settings) {
    this.open = settings.cloudTasksAuth() == ApiSettings.Access.OPEN;
  }

  /** Whether nobody in particular may call. */
  boolean open() {
    return open;
  }

  /**
   * Lets a caller use what lies under a name.
   *
   * @param name of a queue or of what it lies in
   */
  void admit(Caller caller, String name) {
    switch (caller) {
      case Caller.Admin _ -> {}
      case Caller.Known known -> {
        List<String> allowed = known.client().allowedQueues();
        if (allowed != null && allowed.stream().noneMatch(pattern -> covers(pattern, name))) {
          throw new Failure(
              Code.PERMISSION_DENIED,
              "The client "
                  + known.client().id()
                  + " is bound to queues by its allowed_queues, and "
                  + name
                  + " is none of them.");
        }
      }
      case Caller.Nobody _ when open -> {}
      case Caller.Nobody _, Caller.Keyed _ ->
          throw new Failure(
              Code.UNAUTHENTICATED,
              "Credentials are needed: a client's key or the ADMIN_API_KEY as bearer token in"
                  + " authorization. CLOUD_TASKS_AUTH=open would take calls without.");
      case Caller.Scraper _ ->
          throw new Failure(Code.PERMISSION_DENIED, "The METRICS_TOKEN opens metrics alone.");
    }
  }

  /** Lets a caller ask for what is no secret of anybody's: it needs to be somebody, no more. */
  void admitProject(Caller caller, String name) {
    if (!(caller instanceof Caller.Known)) {
      admit(caller, name);
    }
  }

  /** A whole name, or what it begins with, up to a star. */
  private static boolean covers(String pattern, String name) {
    if (pattern.endsWith("/*")) {
      return (name + "/").startsWith(pattern.substring(0, pattern.length() - 1));
    }
    return name.equals(pattern) || name.startsWith(pattern + "/");
  }
}
