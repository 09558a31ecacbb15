package io.taskrunner.http.call;

import com.linecorp.armeria.common.HttpMethod;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Finds the route of a path, and reports its methods. */
public final class Router {

  /** A path of the contract with its methods. */
  public static final class Path {
    private final String[] segments;
    private final Map<HttpMethod, Route> routes = new EnumMap<>(HttpMethod.class);
    private String allow = "";

    private Path(String template) {
      this.segments = segments(template);
    }

    /** The route of a method; null when the path does not have it. */
    public @Nullable Route route(HttpMethod method) {
      return routes.get(method == HttpMethod.HEAD ? HttpMethod.GET : method);
    }

    /** Its methods, as the header {@code Allow} lists them. */
    public String allow() {
      return allow;
    }

    private void add(Route route) {
      routes.put(route.method(), route);
      TreeSet<String> names = new TreeSet<>();
      for (HttpMethod method : routes.keySet()) {
        names.add(method.name());
        if (method == HttpMethod.GET) {
          names.add("HEAD");
        }
      }
      allow = String.join(", ", names);
    }
  }

  /**
   * A match.
   *
   * @param path of the contract
   * @param params the values of its placeholders, decoded
   */
  public record Match(Path path, List<String> params) {}

  /**
   * The name of a queue of Cloud Tasks whose slashes a proxy has unescaped; no template has as many
   * segments.
   */
  private static final Pattern QUEUE_NAME =
      Pattern.compile("^/v1/queues/projects/([^/]+)/locations/([^/]+)/queues/([^/]+)");

  private final String prefix;
  private final Map<String, Path> paths = new LinkedHashMap<>();
  private final Map<String, Match> plain = new HashMap<>();
  private final List<Path> templates = new ArrayList<>();
  private final List<Route> routes;

  /**
   * Over these routes.
   *
   * @param prefix before every path; empty for none. Health and metrics are also served without it
   */
  public Router(String prefix, List<Route> routes) {
    this.prefix = prefix;
    this.routes = List.copyOf(routes);
    for (Route route : routes) {
      paths.computeIfAbsent(route.template(), Path::new).add(route);
    }
    paths.forEach((template, path) -> {
      if (template.indexOf('{') < 0) {
        plain.put(prefix + template, new Match(path, List.of()));
        if (!prefix.isEmpty() && isAtRootToo(template)) {
          plain.put(template, new Match(path, List.of()));
        }
      } else {
        templates.add(path);
      }
    });
    if (!prefix.isEmpty() && paths.containsKey("/")) {
      plain.put(prefix, plain.get(prefix + "/"));
    }
  }

  /** All routes, in the order given. */
  public List<Route> routes() {
    return routes;
  }

  private static boolean isAtRootToo(String template) {
    return template.equals("/metrics")
        || template.equals("/health")
        || template.startsWith("/health/");
  }

  /**
   * Finds a path. One without placeholders takes precedence, unless it lacks the method: so a thing
   * may have the name of a call.
   *
   * @param path as received, percent-encoded
   * @return null when there is none
   */
  public @Nullable Match find(String path, HttpMethod method) {
    Match match = plain.get(path);
    if (match != null && match.path().route(method) != null) {
      return match;
    }
    Match template = template(path);
    return template == null || (match != null && template.path().route(method) == null)
        ? match
        : template;
  }

  private @Nullable Match template(String path) {
    if (!path.startsWith(prefix)) {
      return null;
    }
    String[] given =
        segments(
            QUEUE_NAME
                .matcher(path.substring(prefix.length()))
                .replaceFirst("/v1/queues/projects%2F$1%2Flocations%2F$2%2Fqueues%2F$3"));
    for (Path template : templates) {
      List<String> params = params(template.segments, given);
      if (params != null) {
        return new Match(template, params);
      }
    }
    return null;
  }

  private static @Nullable List<String> params(String[] template, String[] given) {
    if (template.length != given.length) {
      return null;
    }
    List<String> params = new ArrayList<>(2);
    for (int i = 0; i < template.length; i++) {
      if (template[i].startsWith("{")) {
        String param = decoded(given[i]);
        if (param == null || param.isEmpty()) {
          return null;
        }
        params.add(param);
      } else if (!template[i].equals(given[i])) {
        return null;
      }
    }
    return params;
  }

  private static String[] segments(String path) {
    return path.split("/", -1);
  }

  private static @Nullable String decoded(String segment) {
    if (segment.indexOf('%') < 0) {
      return segment;
    }
    byte[] raw = segment.getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes = ByteBuffer.allocate(raw.length);
    for (int i = 0; i < raw.length; i++) {
      if (raw[i] != '%') {
        bytes.put(raw[i]);
      } else if (i + 2 < raw.length
          && HexFormat.isHexDigit(raw[i + 1])
          && HexFormat.isHexDigit(raw[i + 2])) {
        bytes.put(
            (byte) (HexFormat.fromHexDigit(raw[i + 1]) << 4 | HexFormat.fromHexDigit(raw[i + 2])));
        i += 2;
      } else {
        return null;
      }
    }
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(bytes.flip()).toString();
    } catch (CharacterCodingException notText) {
      return null;
    }
  }
}
