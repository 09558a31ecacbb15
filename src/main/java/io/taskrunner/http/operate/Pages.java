package io.taskrunner.http.operate;

import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.HttpStatus;
import io.taskrunner.http.call.Access;
import io.taskrunner.http.call.Answer;
import io.taskrunner.http.call.Call;
import io.taskrunner.http.call.Route;
import io.taskrunner.telemetry.Build;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.List;

/**
 * The pages about this server: {@code /}, {@code /docs}, and the contract for machines.
 * Self-contained.
 */
public final class Pages {

  private static final String HTML = "text/html; charset=utf-8";

  private final boolean dashboard;
  private final String prefix;
  private final Answer home;
  private final Answer docs;
  private final Answer contract;

  /**
   * Built once.
   *
   * @param prefix before every path; empty for none
   * @param dashboard whether browsers are sent to {@code /ui/} from the home page
   */
  public Pages(String prefix, Build build, boolean dashboard) {
    this.prefix = prefix;
    this.dashboard = dashboard;
    home =
        page(
            resource("/pages/home.html")
                .replace("{{prefix}}", prefix)
                .replace("{{version}}", build.version()));
    docs = page(resource("/pages/docs.html").replace("{{prefix}}", prefix));
    contract =
        Answer.text(
            "application/json",
            resource("/openapi.json")
                .replace(
                    "\"url\": \"/\"", "\"url\": \"" + (prefix.isEmpty() ? "/" : prefix) + "\""));
  }

  /** The routes. */
  public List<Route> routes() {
    return List.of(
        Route.of(HttpMethod.GET, "/", Access.ANYONE, this::home),
        Route.of(HttpMethod.GET, "/docs", Access.ANYONE, _ -> docs),
        Route.of(HttpMethod.GET, "/openapi.json", Access.ANYONE, _ -> contract));
  }

  /** Browsers are sent to the dashboard; others get the page. */
  private Answer home(Call call) {
    String accepted = call.headers().get(HttpHeaderNames.ACCEPT, "");
    return dashboard && accepted.contains("text/html")
        ? new Answer(
            HttpStatus.FOUND,
            "",
            new byte[0],
            List.of("location", prefix + "/ui/", "vary", "accept"))
        : home;
  }

  /** A page that may load nothing from elsewhere, and run only its own script. */
  private static Answer page(String html) {
    int start = html.indexOf("<script>");
    int end = html.indexOf("</script>");
    String script =
        start < 0
            ? "'none'"
            : "'sha256-" + digest(html.substring(start + "<script>".length(), end)) + "'";
    return Answer.text(
        HTML,
        html,
        "content-security-policy",
        "default-src 'none'; style-src 'unsafe-inline'; connect-src 'self'; script-src "
            + script
            + "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "x-content-type-options",
        "nosniff",
        "referrer-policy",
        "no-referrer");
  }

  private static String digest(String script) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(script.getBytes(StandardCharsets.UTF_8));
      return Base64.getEncoder().encodeToString(digest);
    } catch (NoSuchAlgorithmException everyJdkHasIt) {
      throw new IllegalStateException(everyJdkHasIt);
    }
  }

  private static String resource(String name) {
    try (InputStream in = Pages.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException("the program lacks its resource " + name);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
