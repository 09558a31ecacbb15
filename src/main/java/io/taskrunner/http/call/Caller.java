package io.taskrunner.http.call;

import io.taskrunner.client.Client;

/** Who calls. */
public sealed interface Caller {

  /** May do everything. */
  record Admin() implements Caller {}

  /** Showed a key of this client; its standing is not looked up yet. */
  record Keyed(String clientId) implements Caller {}

  /** Showed a key, and is a client that may call. */
  record Known(Client client) implements Caller {}

  /** Showed the token of the metrics. */
  record Scraper() implements Caller {}

  /** Showed nothing. */
  record Nobody() implements Caller {}

  /** How the caller is named in a log. */
  default String name() {
    return switch (this) {
      case Admin _ -> "admin";
      case Keyed keyed -> "client " + keyed.clientId();
      case Known known -> "client " + known.client().id();
      case Scraper _ -> "scraper";
      case Nobody _ -> "nobody";
    };
  }
}
