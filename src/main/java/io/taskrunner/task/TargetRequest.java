package io.taskrunner.task;

import java.util.List;

/**
 * The HTTP request that a task performs.
 *
 * @param method upper case, one of {@link #METHODS}
 * @param url where to
 * @param headers in the order given, as given
 * @param body the exact bytes; empty for none. Never changed after this record is made
 * @param text whether the body was given as text (and is shown as text)
 */
public record TargetRequest(
    String method, TargetUrl url, List<Header> headers, byte[] body, boolean text) {

  /** The methods that a task may use. */
  public static final List<String> METHODS =
      List.of("POST", "GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS");

  /** One header line. */
  public record Header(String name, String value) {}

  /** Keeps the headers from being changed. */
  public TargetRequest {
    headers = List.copyOf(headers);
  }
}
