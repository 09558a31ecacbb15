package io.taskrunner.task;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The HTTP request that a task performs.
 *
 * @param method upper case, one of {@link #METHODS}
 * @param url the destination
 * @param headers unchanged, in the given order
 * @param body the exact bytes; empty for none. Never changed after this record is created
 * @param text whether the body was given as text (and is shown as text)
 * @param token created for its {@code Authorization} header; null for none
 */
public record TargetRequest(
    String method,
    TargetUrl url,
    List<Header> headers,
    byte[] body,
    boolean text,
    @Nullable Token token) {

  /** The methods that a task may use. */
  public static final List<String> METHODS =
      List.of("POST", "GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS");

  /** One header line. */
  public record Header(String name, String value) {}

  /** Keeps the headers from being changed. */
  public TargetRequest {
    headers = List.copyOf(headers);
  }

  /** A request without a token. */
  public TargetRequest(
      String method, TargetUrl url, List<Header> headers, byte[] body, boolean text) {
    this(method, url, headers, body, text, null);
  }

  /** The same with more headers, which it must not have yet. */
  public TargetRequest with(List<Header> more) {
    return new TargetRequest(
        method, url, Stream.concat(headers.stream(), more.stream()).toList(), body, text, token);
  }

  /** The same with the first bytes of its body; text is not cut within a character. */
  public TargetRequest cutTo(int bytes) {
    int end = Math.min(bytes, body.length);
    while (text && end > 0 && end < body.length && (body[end] & 0xC0) == 0x80) {
      end--;
    }
    return new TargetRequest(method, url, headers, Arrays.copyOf(body, end), text, token);
  }

  /** The same with this value of {@code Authorization}, and without a token. */
  public TargetRequest authorized(String value) {
    List<Header> all =
        Stream.concat(
                headers.stream().filter(it -> !it.name().equalsIgnoreCase("Authorization")),
                Stream.of(new Header("Authorization", value)))
            .toList();
    return new TargetRequest(method, url, all, body, text);
  }
}
