package io.taskrunner.http.dashboard;

import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.HttpStatus;
import io.taskrunner.http.call.Access;
import io.taskrunner.http.call.Answer;
import io.taskrunner.http.call.Call;
import io.taskrunner.http.call.Missing;
import io.taskrunner.http.call.Refusal;
import io.taskrunner.http.call.Route;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.zip.GZIPOutputStream;

/**
 * The page of the dashboard, which is the same at each of its paths, and its modules. All are read
 * and compressed once. The modules are cached forever under the digest of all of them; an unknown
 * digest, as during a rolling upgrade, is answered with this version.
 */
public final class Shell {

  /** Our own modules. */
  static final List<String> MODULES =
      List.of(
          "api.js",
          "app.js",
          "audit.js",
          "client.js",
          "clients.js",
          "config.js",
          "dead.js",
          "hosts.js",
          "keys.js",
          "new.js",
          "operation.js",
          "operations.js",
          "overview.js",
          "parts.js",
          "queue.js",
          "queues.js",
          "schedule.js",
          "schedules.js",
          "system.js",
          "task.js",
          "tasks.js",
          "text.js",
          "ui.js");

  /** Modules of libraries, by the names under which ours import them. */
  private static final Map<String, String> LIBRARIES =
      Map.of(
          "preact", "/META-INF/resources/webjars/preact/10.27.2/dist/preact.module.js",
          "preact/hooks", "/META-INF/resources/webjars/preact/10.27.2/hooks/dist/hooks.module.js",
          "htm", "/META-INF/resources/_static/htm/3.1.1/dist/htm.module.js");

  /** Loaded with the first page. */
  private static final List<String> FIRST =
      List.of("app.js", "api.js", "ui.js", "parts.js", "preact.js", "preact-hooks.js", "htm.js");

  private static final String JAVASCRIPT = "text/javascript; charset=utf-8";
  private static final String ICON = "image/svg+xml";
  private static final String FOREVER = "public, max-age=31536000, immutable";
  private static final Pattern INLINE =
      Pattern.compile("<script[^>]*>(.+?)</script>", Pattern.DOTALL);
  private static final Pattern STYLE = Pattern.compile("<style>(.+?)</style>", Pattern.DOTALL);

  private final String prefix;
  private final Map<String, Packed> modules = new TreeMap<>();
  private final String digest;
  private final Packed shell;
  private final String policy;
  private final byte[] icon = resource("/dashboard/icon.svg");

  /** A file, as it is and compressed. */
  private record Packed(byte[] plain, byte[] zipped) {
    static Packed of(byte[] plain) {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream(plain.length / 2);
      try (GZIPOutputStream zip = new GZIPOutputStream(bytes)) {
        zip.write(plain);
      } catch (IOException inMemory) {
        throw new UncheckedIOException(inMemory);
      }
      return new Packed(plain, bytes.toByteArray());
    }
  }

  /**
   * Read once.
   *
   * @param prefix before every path; empty for none
   * @param name of the installation; empty for none
   */
  public Shell(String prefix, String name) {
    this.prefix = prefix;
    MODULES.forEach(module -> modules.put(module, Packed.of(resource("/dashboard/" + module))));
    LIBRARIES.forEach(
        (module, path) -> modules.put(file(module), Packed.of(withoutSourceMap(resource(path)))));
    digest = digestOf(modules);
    String html =
        text("/dashboard/shell.html")
            .replace("{{style}}", text("/dashboard/style.css"))
            .replace("{{imports}}", imports())
            .replace("{{preloads}}", preloads())
            .replace("{{assets}}", "assets/" + digest)
            .replace("{{name}}", escaped(name));
    policy =
        "default-src 'none'; script-src 'self' "
            + hashes(INLINE, html)
            + "; style-src "
            + hashes(STYLE, html)
            + "; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none';"
            + " frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";
    shell = Packed.of(html.getBytes(StandardCharsets.UTF_8));
  }

  /** The routes. */
  public List<Route> routes() {
    return List.of(
        Route.of(HttpMethod.GET, "/ui", Access.ANYONE, _ -> toOwnFolder()),
        Route.of(HttpMethod.GET, "/ui/", Access.ANYONE, this::page),
        Route.of(HttpMethod.GET, "/ui/icon.svg", Access.ANYONE, _ -> icon()),
        Route.of(HttpMethod.GET, "/ui/{page}", Access.ANYONE, this::page),
        Route.of(HttpMethod.GET, "/ui/assets/{digest}/{file}", Access.ANYONE, this::module));
  }

  /** Addresses in the page are relative to its folder. */
  private Answer toOwnFolder() {
    return new Answer(HttpStatus.FOUND, "", new byte[0], List.of("location", prefix + "/ui/"));
  }

  private Answer page(Call call) {
    String tag = "\"" + hash("SHA-256", shell.plain()).substring(0, 22) + "\"";
    if (tag.equals(call.headers().get(HttpHeaderNames.IF_NONE_MATCH))) {
      return new Answer(
          HttpStatus.NOT_MODIFIED,
          "",
          new byte[0],
          List.of("etag", tag, "cache-control", "no-cache"));
    }
    return answer(
        call,
        "text/html; charset=utf-8",
        shell,
        "content-security-policy",
        policy,
        "cache-control",
        "no-cache",
        "etag",
        tag,
        "referrer-policy",
        "no-referrer",
        "cross-origin-opener-policy",
        "same-origin",
        "permissions-policy",
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()");
  }

  private Answer module(Call call) {
    Packed module = modules.get(call.param(1));
    if (module == null) {
      throw new Refusal(Missing.path("/ui/assets/" + call.param(0) + "/" + call.param(1)));
    }
    boolean current = call.param(0).equals(digest);
    return answer(call, JAVASCRIPT, module, "cache-control", current ? FOREVER : "no-store");
  }

  private Answer icon() {
    return new Answer(
        HttpStatus.OK,
        ICON,
        icon,
        List.of("cache-control", "public, max-age=86400", "x-content-type-options", "nosniff"));
  }

  private static Answer answer(Call call, String type, Packed file, String... headers) {
    String accepted = call.headers().get(HttpHeaderNames.ACCEPT_ENCODING, "");
    boolean zipped = accepted.contains("gzip");
    List<String> all =
        new java.util.ArrayList<>(
            List.of(
                "x-content-type-options",
                "nosniff",
                "cross-origin-resource-policy",
                "same-origin",
                "vary",
                "accept-encoding"));
    all.addAll(List.of(headers));
    if (zipped) {
      all.addAll(List.of("content-encoding", "gzip"));
    }
    return new Answer(HttpStatus.OK, type, zipped ? file.zipped() : file.plain(), all);
  }

  private static String imports() {
    return new TreeMap<>(LIBRARIES)
        .keySet().stream()
            .map(name -> "\"" + name + "\": \"./{{assets}}/" + file(name) + "\"")
            .collect(Collectors.joining(", ", "{\"imports\": {", "}}"));
  }

  private static String preloads() {
    return FIRST.stream()
        .map(name -> "<link rel=\"modulepreload\" href=\"{{assets}}/" + name + "\">")
        .collect(Collectors.joining("\n"));
  }

  private static String file(String module) {
    return module.replace('/', '-') + ".js";
  }

  private static String digestOf(Map<String, Packed> files) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    files.forEach((name, file) -> {
      all.writeBytes(name.getBytes(StandardCharsets.UTF_8));
      all.writeBytes(file.plain());
    });
    return HexFormat.of()
        .formatHex(Base64.getDecoder().decode(hash("SHA-256", all.toByteArray())), 0, 8);
  }

  /** The sources of what may be inline. */
  private static String hashes(Pattern inline, String html) {
    Matcher found = inline.matcher(html);
    StringBuilder sources = new StringBuilder();
    while (found.find()) {
      byte[] text = found.group(1).getBytes(StandardCharsets.UTF_8);
      sources.append(sources.isEmpty() ? "" : " ").append("'sha256-").append(hash("SHA-256", text));
      sources.append('\'');
    }
    return sources.toString();
  }

  private static String hash(String algorithm, byte[] bytes) {
    try {
      return Base64.getEncoder().encodeToString(MessageDigest.getInstance(algorithm).digest(bytes));
    } catch (NoSuchAlgorithmException everyJdkHasIt) {
      throw new IllegalStateException(everyJdkHasIt);
    }
  }

  private static byte[] withoutSourceMap(byte[] module) {
    return new String(module, StandardCharsets.UTF_8)
        .replaceFirst("(?m)^//# sourceMappingURL=.*$", "")
        .getBytes(StandardCharsets.UTF_8);
  }

  private static String escaped(String name) {
    return name.replace("&", "&amp;").replace("<", "&lt;").replace("\"", "&quot;");
  }

  private static String text(String name) {
    return new String(resource(name), StandardCharsets.UTF_8);
  }

  private static byte[] resource(String name) {
    try (InputStream in = Shell.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException("the program lacks its resource " + name);
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
