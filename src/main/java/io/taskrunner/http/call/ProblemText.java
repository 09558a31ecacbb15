package io.taskrunner.http.call;

import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.ResponseHeaders;
import com.linecorp.armeria.common.ResponseHeadersBuilder;
import java.util.Map;

/** Problems in their wire format. */
public final class ProblemText {

  private ProblemText() {}

  /** The body of a problem. */
  public static byte[] body(Problem problem, String requestId) {
    return JsonOut.object(out -> {
      out.text("type", "about:blank");
      out.text(
          "title",
          problem.status().code() == 421 ? "Misdirected Request" : problem.status().reasonPhrase());
      out.number("status", problem.status().code());
      out.text("detail", problem.detail());
      out.text("instance", requestId);
      out.text("code", problem.code());
      for (Map.Entry<String, Object> member : problem.members().entrySet()) {
        switch (member.getValue()) {
          case String text -> out.text(member.getKey(), text);
          case Number number -> out.number(member.getKey(), number.longValue());
          default -> throw new IllegalStateException("a problem's member is a text or a number");
        }
      }
      if (!problem.errors().isEmpty()) {
        out.array(
            "errors",
            items -> {
              for (Fault fault : problem.errors()) {
                items.item(error -> {
                  error.text(fault.place().member(), fault.at());
                  error.text("detail", fault.detail());
                });
              }
            });
      }
    });
  }

  /**
   * The headers of a problem.
   *
   * @param length of the body, in bytes
   */
  public static ResponseHeaders headers(Problem problem, String requestId, int length) {
    ResponseHeadersBuilder headers = ResponseHeaders.builder(problem.status());
    headers.set(HttpHeaderNames.CONTENT_TYPE, Problem.MEDIA_TYPE);
    headers.set(RequestIds.HEADER, requestId);
    headers.contentLength(length);
    problem.headers().forEach(headers::set);
    return headers.build();
  }
}
