package io.taskrunner.http.call;

import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.RequestHeaders;
import io.netty.util.AsciiString;
import io.taskrunner.client.AdminKey;
import io.taskrunner.client.ApiKey;
import io.taskrunner.client.Client;
import io.taskrunner.client.Scope;
import io.taskrunner.config.ApiSettings;
import io.taskrunner.config.ApiSettings.Access;
import io.taskrunner.config.ServerSettings;
import io.taskrunner.store.AdminKeyStore;
import io.taskrunner.store.ClientStore;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Authenticates callers, and checks their access to a route. */
public final class Credentials {

  /** The detail when an anonymous call is rejected. */
  public static final String KEY_NEEDED =
      "This call requires an API key: send it as Authorization: Bearer, or as X-Api-Key.";

  private static final String ONLY_METRICS = "The METRICS_TOKEN is valid only for metrics.";

  private static final AsciiString ADMIN_KEY = AsciiString.cached("x-admin-key");
  private static final AsciiString API_KEY = AsciiString.cached("x-api-key");
  private static final String BEARER = "bearer ";
  private static final Pattern KEY =
      Pattern.compile(Pattern.quote(ApiKey.PREFIX) + "[A-Za-z0-9_-]{43}");

  private static final Pattern NAMED_ADMIN_KEY =
      Pattern.compile(Pattern.quote(AdminKey.PREFIX) + "[A-Za-z0-9_-]{43}");

  private static final Caller.Admin ROOT = new Caller.Admin(AdminKey.ROOT, false);
  private static final Caller.Admin LOOPBACK = new Caller.Admin(AdminKey.LOOPBACK, false);
  private static final Caller ANONYMOUS = new Caller.Anonymous();
  private static final Caller SCRAPER = new Caller.Scraper();

  private final ApiSettings settings;
  private final boolean loopback;
  private final boolean metricsFree;
  private final boolean judges;
  private final ClientStore clients;
  private final AdminKeyStore adminKeys;
  private final Optional<Sessions> sessions;

  /**
   * With the keys of the settings, and those of clients and admins from the store.
   *
   * @param sessions of the dashboard; empty without it
   */
  public Credentials(
      ServerSettings server,
      ApiSettings settings,
      ClientStore clients,
      AdminKeyStore adminKeys,
      Optional<Sessions> sessions) {
    this.settings = settings;
    this.loopback = server.onLoopback();
    this.metricsFree = server.dev() || !server.mode().serves();
    this.judges = server.mode().serves();
    this.clients = clients;
    this.adminKeys = adminKeys;
    this.sessions = sessions;
  }

  /** The credentials in the headers of a call. */
  sealed interface Shown {
    /** Enough to identify the caller. */
    record Known(Caller caller) implements Shown {}

    /**
     * Keys to be looked up; valid only when all are.
     *
     * @param keys of one client
     * @param adminKeys named keys of an admin
     * @param root whether the ADMIN_API_KEY was sent too
     */
    record Keys(List<String> keys, List<String> adminKeys, boolean root) implements Stored {}

    /**
     * A session of the dashboard.
     *
     * @param optional whether the route needs no credentials, so that a session that has ended is
     *     ignored
     */
    record Session(String cookie, boolean optional) implements Stored {}

    /** To be looked up. */
    sealed interface Stored extends Shown {}

    /** An invalid credential. */
    record Wrong(Problem problem) implements Shown {}
  }

  private static final Shown SHOWS_NOTHING = new Shown.Known(ANONYMOUS);
  private static final Shown SHOWS_ROOT = new Shown.Known(ROOT);
  private static final Shown SHOWS_SCRAPER = new Shown.Known(SCRAPER);

  /**
   * Reads the credentials of a call, without asking the store. A worker has no callers: it reads
   * none.
   */
  Shown shown(RequestHeaders headers, @Nullable Route route) {
    String admin = headers.get(ADMIN_KEY);
    String authorization = headers.get(HttpHeaderNames.AUTHORIZATION);
    String apiKey = headers.get(API_KEY);
    if (!judges) {
      return SHOWS_NOTHING;
    }
    if (admin == null && authorization == null && apiKey == null) {
      return session(headers, route);
    }
    boolean adminRoute = route != null && route.access() == io.taskrunner.http.call.Access.ADMIN;
    boolean root = admin != null && isRoot(admin);
    List<String> named = new ArrayList<>(1);
    if (admin != null && !root) {
      if (NAMED_ADMIN_KEY.matcher(admin).matches()) {
        named.add(admin);
      } else if (settings.adminKey().isEmpty() && !loopback && adminRoute) {
        return new Shown.Wrong(Problem.adminKeyNotConfigured());
      } else {
        return wrong("The admin key is invalid.");
      }
    }
    boolean scraper = false;
    List<String> keys = new ArrayList<>(2);
    if (authorization != null) {
      if (!authorization.regionMatches(true, 0, BEARER, 0, BEARER.length())) {
        return wrong("Authorization must be \"Bearer\" and an API key.");
      }
      String token = authorization.substring(BEARER.length()).strip();
      scraper = settings.metricsToken().isPresent() && settings.metricsToken().get().matches(token);
      if (!scraper) {
        keys.add(token);
      }
    }
    if (apiKey != null) {
      keys.add(apiKey);
    }
    for (String key : keys) {
      if (!KEY.matcher(key).matches()) {
        return wrong("The API key is invalid.");
      }
    }
    if (!keys.isEmpty() || !named.isEmpty()) {
      return new Shown.Keys(keys, named, root);
    }
    return root ? SHOWS_ROOT : scraper ? SHOWS_SCRAPER : SHOWS_NOTHING;
  }

  private Shown session(RequestHeaders headers, @Nullable Route route) {
    if (sessions.isEmpty()
        || route == null
        || route.access() == io.taskrunner.http.call.Access.METRICS) {
      return SHOWS_NOTHING;
    }
    boolean optional =
        switch (route.access()) {
          case ANYONE, DETAIL -> true;
          case ENQUEUE, READ, OPERATE, ADMIN, METRICS -> false;
        };
    return sessions
        .get()
        .shown(headers)
        .<Shown>map(cookie -> new Shown.Session(cookie, optional))
        .orElse(SHOWS_NOTHING);
  }

  /** Whether a call has credentials in its headers. */
  static boolean isIn(RequestHeaders headers) {
    return headers.contains(ADMIN_KEY)
        || headers.contains(HttpHeaderNames.AUTHORIZATION)
        || headers.contains(API_KEY);
  }

  /**
   * Reads the credentials of a call of another contract, in which the admin key may also be a
   * bearer token. Never asks the store.
   *
   * @param open whether an unknown token counts as none: clients that cannot do without a token
   *     send any
   */
  Shown bearer(RequestHeaders headers, boolean open) {
    String admin = headers.get(ADMIN_KEY);
    boolean root = admin != null && isRoot(admin);
    List<String> named = new ArrayList<>(2);
    if (admin != null && !root) {
      if (!NAMED_ADMIN_KEY.matcher(admin).matches()) {
        return wrong("The admin key is invalid.");
      }
      named.add(admin);
    }
    List<String> keys = new ArrayList<>(2);
    String authorization = headers.get(HttpHeaderNames.AUTHORIZATION);
    if (authorization != null) {
      boolean bearer = authorization.regionMatches(true, 0, BEARER, 0, BEARER.length());
      String token = bearer ? authorization.substring(BEARER.length()).strip() : "";
      if (isRoot(token)) {
        return SHOWS_ROOT;
      }
      if (KEY.matcher(token).matches()) {
        keys.add(token);
      } else if (NAMED_ADMIN_KEY.matcher(token).matches()) {
        named.add(token);
      } else if (!open) {
        return wrong("The bearer token is neither an API key nor an admin key.");
      }
    }
    String apiKey = headers.get(API_KEY);
    if (apiKey != null) {
      if (!KEY.matcher(apiKey).matches()) {
        return wrong("The API key is invalid.");
      }
      keys.add(apiKey);
    }
    if (!keys.isEmpty() || !named.isEmpty()) {
      return new Shown.Keys(keys, named, root);
    }
    return root ? SHOWS_ROOT : SHOWS_NOTHING;
  }

  private boolean isRoot(String key) {
    return settings.adminKey().isPresent() && settings.adminKey().get().matches(key);
  }

  /** The caller of cached keys; empty when they must be looked up. Never blocks. */
  Optional<Caller> known(Shown.Stored shown) {
    return switch (shown) {
      case Shown.Keys keys -> caller(keys, clients::knownKeyOwner, adminKeys::known);
      case Shown.Session session -> sessions.flatMap(all -> all.known(session.cookie()));
    };
  }

  /**
   * Looks keys up. Blocks.
   *
   * @throws Refusal 401: a key is invalid
   */
  Caller lookUp(Shown.Stored shown) {
    return switch (shown) {
      case Shown.Keys keys ->
          caller(keys, clients::keyOwner, adminKeys::find)
              .orElseThrow(() -> new Refusal(Problem.unauthenticated("The API key is invalid.")));
      case Shown.Session session ->
          sessions
              .flatMap(all -> all.lookUp(session.cookie()))
              .or(() -> session.optional() ? Optional.of(ANONYMOUS) : Optional.empty())
              .orElseThrow(() ->
                  new Refusal(Problem.unauthenticated("The session has ended. Sign in again.")));
    };
  }

  private static Optional<Caller> caller(
      Shown.Keys shown,
      Function<String, Optional<ClientStore.KeyOwner>> owners,
      Function<String, Optional<AdminKey>> admins) {
    Caller.Admin admin = shown.root() ? ROOT : null;
    for (String key : shown.adminKeys()) {
      Optional<AdminKey> found = admins.apply(ApiKey.digest(key));
      if (found.isEmpty()) {
        return Optional.empty();
      }
      if (admin == null || admin.readOnly()) {
        admin = new Caller.Admin(found.get().name(), found.get().readOnly());
      }
    }
    ClientStore.KeyOwner client = null;
    for (String key : shown.keys()) {
      Optional<ClientStore.KeyOwner> owner = owners.apply(ApiKey.digest(key));
      if (owner.isEmpty()
          || (client != null && !client.clientId().equals(owner.get().clientId()))) {
        return Optional.empty();
      }
      client = client == null ? owner.get() : client.and(owner.get());
    }
    if (admin != null) {
      return Optional.of(admin);
    }
    return client == null ? Optional.of(ANONYMOUS) : Optional.of(new Caller.Keyed(client));
  }

  /**
   * The caller of a call that anonymous clients may make, but not so that it reads a task.
   *
   * @throws Refusal 401 or 403: it may not read
   */
  public Caller reads(Caller caller) {
    caller.needs(Scope.READ);
    return keyed(caller);
  }

  private Caller keyed(Caller caller) {
    return switch (caller) {
      case Caller.Admin _, Caller.Keyed _, Caller.Known _ -> caller;
      case Caller.Scraper _ -> throw new Refusal(Problem.forbidden(ONLY_METRICS));
      case Caller.Anonymous _ when isAnonymousAdmin() -> LOOPBACK;
      case Caller.Anonymous _ ->
          throw new Refusal(
              Problem.unauthenticated("This call requires an API key or an admin key."));
    };
  }

  /**
   * The caller as a route may take it: on a loopback listener without {@code ADMIN_API_KEY},
   * anonymous callers are the admin, whatever named keys exist. That follows only from the settings
   * of this process; data in the store cannot lock out the owner of the machine.
   *
   * @throws Refusal 401 or 403: that is not enough
   */
  Caller admit(Route route, Caller caller) {
    io.taskrunner.http.call.Access access = route.access();
    access.scope().ifPresent(caller::needs);
    return switch (access) {
      case ANYONE, DETAIL -> caller;
      case ENQUEUE ->
          switch (caller) {
            case Caller.Admin _, Caller.Keyed _, Caller.Known _ -> caller;
            case Caller.Scraper _ -> throw new Refusal(Problem.forbidden(ONLY_METRICS));
            case Caller.Anonymous _ when settings.clientAuth() == Access.OPEN -> caller;
            case Caller.Anonymous _ -> throw new Refusal(Problem.unauthenticated(KEY_NEEDED));
          };
      case READ, OPERATE -> keyed(caller);
      case ADMIN ->
          switch (caller) {
            case Caller.Admin _ -> {
              if (route.method() != HttpMethod.GET) {
                caller.needs(Scope.OPERATE);
              }
              yield caller;
            }
            case Caller.Keyed _, Caller.Known _, Caller.Scraper _ ->
                throw new Refusal(Problem.forbidden("This call requires an admin key."));
            case Caller.Anonymous _ when isAnonymousAdmin() -> LOOPBACK;
            case Caller.Anonymous _ when settings.adminKey().isEmpty() ->
                throw new Refusal(Problem.adminKeyNotConfigured());
            case Caller.Anonymous _ ->
                throw new Refusal(
                    Problem.unauthenticated("This call requires an admin key (X-Admin-Key)."));
          };
      case METRICS -> {
        if (seesMetrics(caller)) {
          yield caller;
        }
        throw new Refusal(
            caller instanceof Caller.Anonymous
                ? Problem.unauthenticated(
                    "This call requires the METRICS_TOKEN as bearer token, or an admin key.")
                : Problem.forbidden("Metrics require the METRICS_TOKEN or an admin key."));
      }
    };
  }

  /** Whether the caller may see metrics, and the detail of health. */
  public boolean seesMetrics(Caller caller) {
    return metricsFree || caller instanceof Caller.Admin || caller instanceof Caller.Scraper;
  }

  /** The caller whose permissions an anonymous caller has: on loopback possibly the admin. */
  public Caller effective(Caller caller) {
    return caller instanceof Caller.Anonymous && isAnonymousAdmin() ? LOOPBACK : caller;
  }

  /** Whether an admin key is set, or none is necessary. */
  public boolean isAdminPossible() {
    return settings.adminKey().isPresent() || loopback;
  }

  private boolean isAnonymousAdmin() {
    return loopback && settings.adminKey().isEmpty();
  }

  /**
   * Looks up the client of a key. Blocks.
   *
   * @throws Refusal 403: the client is disabled
   */
  Caller known(Caller caller) {
    if (caller instanceof Caller.Keyed keyed) {
      Client client =
          clients
              .get(keyed.clientId())
              .orElseThrow(() -> new Refusal(Problem.clientDisabled(keyed.clientId())));
      if (!client.settings().enabled()) {
        throw new Refusal(Problem.clientDisabled(keyed.clientId()));
      }
      return new Caller.Known(client, keyed.key());
    }
    return caller;
  }

  private static Shown wrong(String detail) {
    return new Shown.Wrong(Problem.unauthenticated(detail));
  }
}
