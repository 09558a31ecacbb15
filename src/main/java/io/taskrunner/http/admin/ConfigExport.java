package io.taskrunner.http.admin;

import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpStatus;
import io.taskrunner.http.call.Answer;
import io.taskrunner.http.call.Call;
import io.taskrunner.http.call.Fault;
import io.taskrunner.http.call.Faults;
import io.taskrunner.http.call.Json;
import io.taskrunner.http.call.JsonOut;
import io.taskrunner.http.call.Kind;
import io.taskrunner.http.call.Kind.Item;
import io.taskrunner.http.call.Precondition;
import io.taskrunner.http.call.Yaml;
import io.taskrunner.store.TaskStore.BadCursor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * {@code GET /admin/config}: the configuration as one document, or in pages; never more of it in
 * memory than one answer takes.
 */
final class ConfigExport {

  /** The format of documents. */
  static final long VERSION = 1;

  /** Values that a document may hold, nested ones included. */
  static final int VALUES_MAX = 1_000_000;

  private static final Pattern FORMAT = Pattern.compile("json|yaml");

  /** The start of the first page: the kind, and the cursor in it. */
  private static final String FIRST = "0\n";

  /** Things that are read at a time. */
  private static final int STEP = 100;

  /** A document larger than this is returned only in pages. */
  private static final long DOCUMENT_BYTES = 4L << 20;

  /** Bytes of a page, or a little more; then it is short. */
  private static final long PAGE_BYTES = 1L << 20;

  private final List<Kind<?, ?>> kinds;

  ConfigExport(List<Kind<?, ?>> kinds) {
    this.kinds = kinds;
  }

  /** Receives each thing. */
  interface Each {
    void take(Item item, byte[] settings) throws IOException;
  }

  /** Reads all things of a kind, some at a time, and the input of a tag of all. */
  static void each(Kind<?, ?> kind, MessageDigest tag, Each each) {
    try {
      tag.update(kind.section().getBytes(StandardCharsets.UTF_8));
      String cursor = null;
      do {
        Kind.Page<Item> page = kind.items(STEP, cursor);
        for (Item item : page.things()) {
          byte[] settings = JsonOut.object(item.version().shown());
          tag.update((item.name() + "=" + item.revision()).getBytes(StandardCharsets.UTF_8));
          tag.update(settings);
          each.take(item, settings);
        }
        cursor = page.nextCursor();
      } while (cursor != null);
    } catch (BadCursor impossible) {
      throw new IllegalStateException("a kind does not know its own cursor", impossible);
    } catch (IOException impossible) {
      throw new UncheckedIOException(impossible);
    }
  }

  /** A tag of all, built while {@link #each} reads it. */
  static MessageDigest tag() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException everyJdkHasIt) {
      throw new IllegalStateException(everyJdkHasIt);
    }
  }

  /**
   * Of everything and the times at which it was set, without the revision of the entire
   * configuration.
   */
  static Precondition.Current current(MessageDigest tag) {
    return Precondition.Current.of(0, tag.digest());
  }

  Answer get(Call call) {
    Faults faults = new Faults();
    Call.Query query = call.query(faults);
    String format = query.text("format", FORMAT, "json or yaml");
    int limit = query.integer("limit", 0, 1, Kind.PAGE_MAX);
    String cursor = query.cursor();
    faults.raise();
    boolean yaml = format == null ? prefersYaml(call) : format.equals("yaml");
    if (limit > 0 || cursor != null) {
      byte[] page = page(limit > 0 ? limit : Kind.PAGE_MAX, cursor, query);
      return answer(page, yaml).with("vary", "accept");
    }
    MessageDigest tag = tag();
    Answer answer = answer(document(tag, faults), yaml);
    return answer.with("etag", current(tag).etag(), "vary", "accept");
  }

  private static Answer answer(byte[] json, boolean yaml) {
    return yaml
        ? new Answer(
            HttpStatus.OK, Yaml.MEDIA_TYPE, Yaml.write(Json.object(json, VALUES_MAX)), List.of())
        : Answer.ok(json);
  }

  private byte[] document(MessageDigest tag, Faults faults) {
    long[] bytes = {0};
    return JsonOut.object(out -> {
      out.number("version", VERSION);
      for (Kind<?, ?> kind : kinds) {
        out.object(
            kind.section(),
            entries ->
                each(
                    kind,
                    tag,
                    (item, settings) -> {
                      bytes[0] += settings.length + item.name().length();
                      if (bytes[0] > DOCUMENT_BYTES) {
                        faults.add(
                            Fault.parameter(
                                "limit",
                                "limit: missing (expected: 1 to "
                                    + Kind.PAGE_MAX
                                    + ", since the whole document is larger than 4 MiB)"));
                        faults.raise();
                      }
                      entries.object(item.name(), item.version().shown());
                    }));
      }
    });
  }

  /** Some of it: things of one kind after the other. */
  private byte[] page(int limit, @Nullable String cursor, Call.Query query) {
    Map<String, List<Item>> sections = new LinkedHashMap<>();
    String[] at = (cursor == null ? FIRST : cursor).split("\n", 2);
    int things = 0;
    long bytes = 0;
    int kind = Integer.parseInt(at[0]);
    String next = at[1].isEmpty() ? null : at[1];
    while (kind < kinds.size() && things < limit && bytes < PAGE_BYTES) {
      Kind<?, ?> one = kinds.get(kind);
      try {
        Kind.Page<Item> page = one.items(Math.min(STEP, limit - things), next);
        sections.computeIfAbsent(one.section(), _ -> new ArrayList<>()).addAll(page.things());
        things += page.things().size();
        for (Item item : page.things()) {
          bytes += JsonOut.object(item.version().shown()).length;
        }
        next = page.nextCursor();
      } catch (BadCursor bad) {
        throw query.badCursor();
      }
      kind += next == null ? 1 : 0;
    }
    String more = kind < kinds.size() ? kind + "\n" + (next == null ? "" : next) : null;
    return JsonOut.object(out -> {
      out.number("version", VERSION);
      for (Map.Entry<String, List<Item>> section : sections.entrySet()) {
        out.object(
            section.getKey(),
            entries -> {
              for (Item item : section.getValue()) {
                entries.object(item.name(), item.version().shown());
              }
            });
      }
      out.text("next_cursor", query.nextCursor(more));
    });
  }

  private static boolean prefersYaml(Call call) {
    double yaml = 0;
    double json = 0;
    String accepted = String.join(",", call.headers().getAll(HttpHeaderNames.ACCEPT));
    for (String range : accepted.split(",", -1)) {
      String[] parts = range.split(";", -1);
      String type = parts[0].strip().toLowerCase(Locale.ROOT);
      double quality = 1;
      for (int i = 1; i < parts.length; i++) {
        if (parts[i].strip().toLowerCase(Locale.ROOT).matches("q=[01](\\.[0-9]{0,3})?")) {
          quality = Double.parseDouble(parts[i].strip().substring(2));
        }
      }
      if (Yaml.isYaml(type)) {
        yaml = Math.max(yaml, quality);
      } else if (type.equals("application/json")
          || type.equals("application/*")
          || type.equals("*/*")) {
        json = Math.max(json, quality);
      }
    }
    return yaml > 0 && yaml >= json;
  }
}
