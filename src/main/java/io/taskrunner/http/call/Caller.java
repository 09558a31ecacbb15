package io.taskrunner.http.call;

import io.taskrunner.client.AdminKey;
import io.taskrunner.client.Client;
import io.taskrunner.client.Scope;
import io.taskrunner.store.ClientStore.KeyOwner;

/** The caller. */
public sealed interface Caller {

  /**
   * May change everything, or read everything.
   *
   * @param keyName of its key; {@link AdminKey#ROOT} for {@code ADMIN_API_KEY}
   * @param readOnly whether it may only read
   */
  record Admin(String keyName, boolean readOnly) implements Caller {}

  /** Sent a key of a client, whose state is not looked up yet. */
  record Keyed(KeyOwner key) implements Caller {
    /** The client of the key. */
    public String clientId() {
      return key.clientId();
    }
  }

  /** Sent a key, and is a client that may call. */
  record Known(Client client, KeyOwner key) implements Caller {}

  /** Sent the metrics token. */
  record Scraper() implements Caller {}

  /** Sent no credentials. */
  record Anonymous() implements Caller {}

  /**
   * Rejects a client or an admin whose key lacks this scope.
   *
   * @throws Refusal 403
   */
  default void needs(Scope scope) {
    if (!opens(scope)) {
      if (this instanceof Admin) {
        throw new Refusal(Problem.readOnly());
      }
      throw new Refusal(Problem.scopeMissing(scope));
    }
  }

  /** Whether the sent key has this scope; callers without a key are not bound by scopes. */
  default boolean opens(Scope scope) {
    return switch (this) {
      case Keyed keyed -> keyed.key().scopes().contains(scope);
      case Known known -> known.key().scopes().contains(scope);
      case Admin admin -> !admin.readOnly() || scope == Scope.READ;
      case Scraper _, Anonymous _ -> true;
    };
  }

  /**
   * The sent key as the audit trail names it: an admin's by its name, a client's by the client's
   * id, {@code /} and its own.
   */
  default String shownKey() {
    return switch (this) {
      case Admin admin -> admin.keyName();
      case Keyed keyed -> keyed.clientId() + "/" + keyed.key().keyId();
      case Known known -> known.client().id() + "/" + known.key().keyId();
      case Scraper _, Anonymous _ -> name();
    };
  }

  /** The name of the caller in a log. */
  default String name() {
    return switch (this) {
      case Admin admin -> "admin " + admin.keyName();
      case Keyed keyed -> "client " + keyed.clientId();
      case Known known -> "client " + known.client().id();
      case Scraper _ -> "scraper";
      case Anonymous _ -> "anonymous";
    };
  }
}
