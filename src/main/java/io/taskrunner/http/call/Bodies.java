package io.taskrunner.http.call;

import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.RequestHeaders;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The bodies of routes: their length, their media type, and their parsing. */
final class Bodies {

  private static final int BATCH_BODY_MAX = 16 * 1024 * 1024;

  private static final int VALUES_MAX = 10_000;

  private static final int BATCH_VALUES_MAX = 250_000;

  private final int max;

  /** Of at most this many bytes, except for batches and documents. */
  Bodies(int max) {
    this.max = max;
  }

  /** Bytes of a body that is neither a batch nor a document. */
  int max() {
    return max;
  }

  /** Bytes of a body of this route. */
  int max(Route route) {
    return isLarge(route) ? BATCH_BODY_MAX : max;
  }

  private static boolean isLarge(Route route) {
    return route.body() == Route.Body.BATCH || route.body() == Route.Body.DOCUMENT;
  }

  /**
   * Rejects a body by its headers.
   *
   * @throws Refusal 413 or 415
   */
  void check(Route route, RequestHeaders headers) {
    if (headers.contentLength() > max(route)) {
      throw new Refusal(Problem.tooLarge(max(route)));
    }
    if (headers.contains(HttpHeaderNames.CONTENT_ENCODING)) {
      throw new Refusal(
          Problem.unsupportedMediaType(
              "Content-Encoding: "
                  + Shown.of(headers.get(HttpHeaderNames.CONTENT_ENCODING))
                  + " (expected: none)"));
    }
    if (!isJson(headers.get(HttpHeaderNames.CONTENT_TYPE))
        && !isYaml(route, headers)
        && (route.body() != Route.Body.OPTIONAL || headers.contentLength() != 0)) {
      throw new Refusal(
          Problem.unsupportedMediaType(
              "Content-Type: "
                  + Shown.of(headers.get(HttpHeaderNames.CONTENT_TYPE))
                  + (route.body() == Route.Body.DOCUMENT
                      ? " (expected: application/json or application/yaml)"
                      : " (expected: application/json)")));
    }
  }

  /**
   * The members of a body's object.
   *
   * @param body null where the route takes none
   * @throws Refusal 400: it does not match its type
   */
  Map<String, Object> parsed(Route route, RequestHeaders headers, byte @Nullable [] body) {
    if (body == null || (body.length == 0 && route.body() == Route.Body.OPTIONAL)) {
      return new LinkedHashMap<>();
    }
    int valuesMax = isLarge(route) ? BATCH_VALUES_MAX : VALUES_MAX;
    return isYaml(route, headers) ? Yaml.object(body, valuesMax) : Json.object(body, valuesMax);
  }

  private static boolean isYaml(Route route, RequestHeaders headers) {
    String type = headers.get(HttpHeaderNames.CONTENT_TYPE);
    return route.body() == Route.Body.DOCUMENT
        && type != null
        && Yaml.isYaml(type.split(";", -1)[0].strip().toLowerCase(Locale.ROOT));
  }

  private static boolean isJson(@Nullable String contentType) {
    if (contentType == null) {
      return true;
    }
    if (contentType.equals("application/json")) {
      return true;
    }
    String[] parts = contentType.split(";", -1);
    if (!parts[0].strip().equalsIgnoreCase("application/json")) {
      return false;
    }
    for (int i = 1; i < parts.length; i++) {
      String parameter = parts[i].strip();
      if (parameter.regionMatches(true, 0, "charset=", 0, 8)) {
        String charset = parameter.substring(8).replace("\"", "");
        if (!charset.equalsIgnoreCase("utf-8")) {
          return false;
        }
      }
    }
    return true;
  }
}
