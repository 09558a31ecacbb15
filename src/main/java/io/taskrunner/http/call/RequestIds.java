package io.taskrunner.http.call;

import com.linecorp.armeria.common.RequestHeaders;
import io.netty.util.AsciiString;
import java.util.HexFormat;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/** The id of a call: the caller's own when it is safe for a log line, else generated. */
public final class RequestIds {

  /** The header of a request id, both ways. */
  public static final AsciiString HEADER = AsciiString.cached("x-request-id");

  private static final int LENGTH_MAX = 128;

  private RequestIds() {}

  /** The id of a call with these headers; null when they could not be read. */
  public static String of(@Nullable RequestHeaders headers) {
    String given = headers == null ? null : headers.get(HEADER);
    return given != null && isFit(given) ? given : make();
  }

  private static String make() {
    return HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong());
  }

  private static boolean isFit(String id) {
    if (id.isEmpty() || id.length() > LENGTH_MAX) {
      return false;
    }
    for (int i = 0; i < id.length(); i++) {
      char c = id.charAt(i);
      boolean fit =
          (c >= 'a' && c <= 'z')
              || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9')
              || c == '.'
              || c == '_'
              || c == '-';
      if (!fit) {
        return false;
      }
    }
    return true;
  }
}
