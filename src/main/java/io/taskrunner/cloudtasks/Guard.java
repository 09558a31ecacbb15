package io.taskrunner.cloudtasks;

import com.google.rpc.Code;
import io.taskrunner.client.Scope;
import io.taskrunner.config.ApiSettings;
import io.taskrunner.http.call.Caller;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The permissions of a caller. */
final class Guard {

  private final boolean open;

  Guard(ApiSettings settings) {
    this.open = settings.cloudTasksAuth() == ApiSettings.Access.OPEN;
  }

  /** Whether anonymous callers may call. */
  boolean open() {
    return open;
  }

  /** Lets in callers that may call anything of this scope. */
  void admit(Caller caller, @Nullable Scope scope) {
    if (scope != null) {
      caller.needs(scope);
    }
    switch (caller) {
      case Caller.Admin _, Caller.Known _ -> {}
      case Caller.Anonymous _ when open -> {}
      case Caller.Anonymous _, Caller.Keyed _ ->
          throw new Failure(
              Code.UNAUTHENTICATED,
              "This call requires an API key or an admin key as bearer token in the authorization"
                  + " header, because CLOUD_TASKS_AUTH is not open.");
      case Caller.Scraper _ ->
          throw new Failure(Code.PERMISSION_DENIED, "The METRICS_TOKEN is valid only for metrics.");
    }
  }

  /**
   * Lets a caller use the resources under a name.
   *
   * @param name of a queue or of its parent
   */
  void admit(Caller caller, String name) {
    if (caller instanceof Caller.Known known) {
      List<String> allowed = known.client().settings().allowedQueues();
      if (allowed != null && allowed.stream().noneMatch(pattern -> covers(pattern, name))) {
        throw new Failure(
            Code.PERMISSION_DENIED,
            "Client "
                + Failure.shown(known.client().id())
                + " may not use "
                + Failure.shown(name)
                + ", which is not in its allowed_queues.");
      }
    }
  }

  /** A full name, or a prefix followed by a star. */
  private static boolean covers(String pattern, String name) {
    if (pattern.endsWith("/*")) {
      return (name + "/").startsWith(pattern.substring(0, pattern.length() - 1));
    }
    return name.equals(pattern) || name.startsWith(pattern + "/");
  }
}
