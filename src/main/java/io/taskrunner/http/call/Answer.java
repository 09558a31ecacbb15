package io.taskrunner.http.call;

import com.linecorp.armeria.common.HttpStatus;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * A response.
 *
 * @param status the HTTP status
 * @param type the media type; empty when there is no body
 * @param body the bytes, never modified
 * @param headers further headers: name, value, name, value
 */
public record Answer(HttpStatus status, String type, byte[] body, List<String> headers) {

  private static final String JSON = "application/json";

  private static final Answer NO_CONTENT =
      new Answer(HttpStatus.NO_CONTENT, "", new byte[0], List.of());

  /** 200 with JSON. */
  public static Answer ok(byte[] json) {
    return json(HttpStatus.OK, json);
  }

  /** 201 with JSON. */
  public static Answer created(byte[] json) {
    return json(HttpStatus.CREATED, json);
  }

  /** 204. */
  public static Answer noContent() {
    return NO_CONTENT;
  }

  /** JSON with any status. */
  public static Answer json(HttpStatus status, byte[] json) {
    return new Answer(status, JSON, json, List.of());
  }

  /** A page or another text. */
  public static Answer text(String type, String text, String... headers) {
    return new Answer(HttpStatus.OK, type, text.getBytes(StandardCharsets.UTF_8), List.of(headers));
  }

  /** This response with the tag of the thing that it shows. */
  public Answer tagged(Precondition.Current current) {
    return with("etag", current.etag());
  }

  /** This answer with further headers: name, value, name, value. */
  public Answer with(String... more) {
    return new Answer(status, type, body, List.of(more));
  }
}
