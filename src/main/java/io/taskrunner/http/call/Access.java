package io.taskrunner.http.call;

/** Whom a route is for. */
public enum Access {
  /** Everybody. */
  ANYONE,
  /** Clients, with or without a key as {@code CLIENT_AUTH} has it, and the admin. */
  ENQUEUE,
  /** Clients with a key, and the admin. */
  CLIENT,
  /** The admin alone. */
  ADMIN,
  /** Those with the token of the metrics, and the admin; everybody where metrics are free. */
  METRICS,
  /** Everybody, who are told more when they are those of {@link #METRICS}. */
  DETAIL
}
