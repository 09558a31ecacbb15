package io.taskrunner.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.URLEncoder;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Calls of the HTTP API.
 *
 * @param url of the server, without a trailing slash
 * @param key of a client; null for none
 * @param adminKey null for none
 */
record Api(String url, @Nullable String key, @Nullable String adminKey) {

  private static final int CONNECT_MILLIS = 5_000;
  private static final int READ_MILLIS = 40_000;

  /**
   * A response.
   *
   * @param text the body, unchanged
   * @param etag null for none
   */
  record Reply(int status, String text, @Nullable String etag) {

    /** The members of the JSON object in the body. */
    Map<String, @Nullable Object> object() throws Failure {
      try {
        return Shown.object(JsonText.read(text));
      } catch (IOException notJson) {
        throw new Failure(
            Failure.REFUSED,
            "The response is not JSON; is this a Task Runner? It begins with: "
                + text.substring(0, Math.min(80, text.length())).strip());
      }
    }
  }

  /** Whether the server is on this machine. */
  boolean isLocal() {
    return url.matches("https?://(localhost|127\\.[0-9.]+|\\[::1])(:\\d+)?(/.*)?");
  }

  /** A path with its parameters filled in. */
  static String path(String template, String... values) {
    StringBuilder path = new StringBuilder();
    int at = 0;
    for (String value : values) {
      int place = template.indexOf("{}", at);
      path.append(template, at, place).append(encoded(value));
      at = place + 2;
    }
    return path.append(template.substring(at)).toString();
  }

  /** A path with the parameters that are given. */
  static String query(String path, Map<String, @Nullable Object> parameters) {
    StringBuilder query = new StringBuilder(path);
    char before = '?';
    for (Map.Entry<String, @Nullable Object> parameter : parameters.entrySet()) {
      if (parameter.getValue() != null) {
        query
            .append(before)
            .append(parameter.getKey())
            .append('=')
            .append(encoded(parameter.getValue().toString()));
        before = '&';
      }
    }
    return query.toString();
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }

  Reply get(String path) throws Failure {
    return call("GET", path, null);
  }

  Reply post(String path, @Nullable Object body) throws Failure {
    return call("POST", path, body);
  }

  Reply put(String path, @Nullable Object body, String... headers) throws Failure {
    return call("PUT", path, body, headers);
  }

  Reply delete(String path) throws Failure {
    return call("DELETE", path, null);
  }

  /**
   * Sends a call and reads the complete response.
   *
   * @param body a string to send unchanged, or a value to write as JSON; null for none
   * @throws Failure the server cannot be reached, or rejects the call
   */
  Reply call(String method, String path, @Nullable Object body, String... headers) throws Failure {
    Reply reply = send(method, path, body, headers);
    if (reply.status() >= 400) {
      throw refusal(reply);
    }
    return reply;
  }

  /** Like {@link #call}, but returns error responses too. */
  Reply send(String method, String path, @Nullable Object body, String... headers) throws Failure {
    try {
      HttpURLConnection connection =
          (HttpURLConnection) URI.create(url + path).toURL().openConnection();
      connection.setRequestMethod(method);
      connection.setInstanceFollowRedirects(false);
      connection.setConnectTimeout(CONNECT_MILLIS);
      connection.setReadTimeout(READ_MILLIS);
      connection.setUseCaches(false);
      if (key != null) {
        connection.setRequestProperty("Authorization", "Bearer " + key);
      }
      if (adminKey != null) {
        connection.setRequestProperty("X-Admin-Key", adminKey);
      }
      for (int i = 0; i < headers.length; i += 2) {
        connection.setRequestProperty(headers[i], headers[i + 1]);
      }
      if (body != null) {
        String json = body instanceof String text ? text : JsonText.write(body);
        if (connection.getRequestProperty("Content-Type") == null) {
          connection.setRequestProperty("Content-Type", "application/json");
        }
        byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
        connection.setDoOutput(true);
        try (OutputStream out = connection.getOutputStream()) {
          out.write(bytes);
        }
      }
      int status = connection.getResponseCode();
      try (InputStream in =
          status >= 400 ? connection.getErrorStream() : connection.getInputStream()) {
        String text = in == null ? "" : new String(in.readAllBytes(), StandardCharsets.UTF_8);
        return new Reply(status, text, connection.getHeaderField("ETag"));
      }
    } catch (IOException | IllegalArgumentException failed) {
      throw new Failure(
          Failure.UNREACHABLE,
          "No response from "
              + url
              + " ("
              + (failed instanceof UnknownHostException
                  ? "unknown host"
                  : Optional.ofNullable(failed.getMessage())
                      .orElse(failed.getClass().getSimpleName()))
              + "). Set TASK_RUNNER_URL or --url to the URL of a Task Runner, or start one with"
              + " ./task-runner dev.");
    }
  }

  /** The problem of a response, with each error on a line of its own. */
  static Failure refusal(Reply reply) {
    return refusal(reply, error -> Shown.text(error, "detail"));
  }

  /**
   * The problem of a response.
   *
   * @param text of one error
   */
  static Failure refusal(Reply reply, Function<Map<String, @Nullable Object>, String> text) {
    int status =
        switch (reply.status()) {
          case 401, 403 -> Failure.NOT_ALLOWED;
          case 404 -> Failure.NOT_FOUND;
          case 502, 503, 504 -> Failure.UNREACHABLE;
          default -> Failure.REFUSED;
        };
    Map<String, @Nullable Object> problem;
    try {
      problem = Shown.object(JsonText.read(reply.text()));
    } catch (IOException | ClassCastException notOurs) {
      return new Failure(status, "The server answered " + reply.status() + ".");
    }
    StringBuilder says = new StringBuilder();
    List<Map<String, @Nullable Object>> errors = Shown.list(problem, "errors");
    if (errors.size() > 1) {
      says.append("Rejected for ").append(errors.size()).append(" reasons:");
      errors.forEach(error -> says.append("\n  ").append(text.apply(error)));
      says.append('\n');
    } else {
      says.append(errors.isEmpty() ? Shown.text(problem, "detail") : text.apply(errors.getFirst()))
          .append(' ');
    }
    if (reply.status() == 401) {
      says.append(
          "Set TASK_RUNNER_KEY to a client's key, or TASK_RUNNER_ADMIN_KEY to an admin key. ");
    }
    if ("forbidden".equals(problem.get("code"))) {
      says.append(
          "Set TASK_RUNNER_ADMIN_KEY; for a server on this machine that has none, unset TASK_RUNNER_KEY. ");
    }
    says.append('(')
        .append(Shown.text(problem, "code"))
        .append(", ")
        .append(reply.status())
        .append(", request ")
        .append(Shown.text(problem, "instance"))
        .append(')');
    return new Failure(status, says.toString(), problem);
  }
}
