package io.taskrunner.http.call;

import io.taskrunner.client.Scope;
import java.util.Optional;

/** The callers that a route permits. */
public enum Access {
  /** All callers. */
  ANYONE,
  /**
   * Clients, with or without a key as {@code CLIENT_AUTH} sets, and the admin. A key needs the
   * scope {@link Scope#ENQUEUE}.
   */
  ENQUEUE,
  /** Clients with a key of the scope {@link Scope#READ}, and the admin. */
  READ,
  /** Clients with a key of the scope {@link Scope#OPERATE}, and the admin. */
  OPERATE,
  /** Only the admin. */
  ADMIN,
  /** Callers with the metrics token, and the admin; all callers where metrics are public. */
  METRICS,
  /** All callers; those of {@link #METRICS} get more detail. */
  DETAIL;

  /** The scope that a client's key needs; empty where scopes do not apply. */
  public Optional<Scope> scope() {
    return switch (this) {
      case ENQUEUE -> Optional.of(Scope.ENQUEUE);
      case READ -> Optional.of(Scope.READ);
      case OPERATE -> Optional.of(Scope.OPERATE);
      case ANYONE, ADMIN, METRICS, DETAIL -> Optional.empty();
    };
  }
}
