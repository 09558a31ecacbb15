package io.taskrunner.http.call;

import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.RequestHeaders;
import io.taskrunner.config.ApiSettings;
import io.taskrunner.config.ServerSettings;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The cookie of a session of the dashboard. Scripts cannot read it, and it is sent only by pages of
 * the same site.
 *
 * @param name its name
 * @param path of the calls with which it is sent
 * @param secure whether it is sent only over TLS
 */
public record SessionCookie(String name, String path, boolean secure) {

  private static final Pattern VALUE = Pattern.compile("[A-Za-z0-9_-]{43}");

  /** Of a server. Without TLS its port is part of the name: the ports of a host share cookies. */
  public static SessionCookie of(ServerSettings server, ApiSettings api) {
    boolean secure =
        server.tls().isPresent()
            || api.publicUrl().filter(url -> "https".equalsIgnoreCase(url.getScheme())).isPresent();
    String prefix = server.pathPrefix();
    String name = !secure ? "" : prefix.isEmpty() ? "__Host-" : "__Secure-";
    return new SessionCookie(
        name + "task-runner" + (secure ? "" : "-" + server.port()), prefix + "/", secure);
  }

  /** Its value in a call; empty for none, or an invalid one. */
  Optional<String> in(RequestHeaders headers) {
    for (String line : headers.getAll(HttpHeaderNames.COOKIE)) {
      for (String pair : line.split(";", -1)) {
        String[] parts = pair.strip().split("=", 2);
        if (parts.length == 2 && parts[0].equals(name) && VALUE.matcher(parts[1]).matches()) {
          return Optional.of(parts[1]);
        }
      }
    }
    return Optional.empty();
  }

  /** The header {@code Set-Cookie} that sets it, until the browser is closed. */
  String set(String value) {
    return name + "=" + value + attributes();
  }

  /** The header {@code Set-Cookie} that deletes it. */
  String cleared() {
    return name + "=; Max-Age=0" + attributes();
  }

  private String attributes() {
    return "; Path=" + path + "; HttpOnly; SameSite=Strict" + (secure ? "; Secure" : "");
  }
}
