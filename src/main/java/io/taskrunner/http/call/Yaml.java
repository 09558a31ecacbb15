package io.taskrunner.http.call;

import java.io.ByteArrayInputStream;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.snakeyaml.engine.v2.api.ConstructNode;
import org.snakeyaml.engine.v2.api.Dump;
import org.snakeyaml.engine.v2.api.DumpSettings;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Parse;
import org.snakeyaml.engine.v2.common.FlowStyle;
import org.snakeyaml.engine.v2.common.ScalarStyle;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.events.MappingStartEvent;
import org.snakeyaml.engine.v2.events.ScalarEvent;
import org.snakeyaml.engine.v2.events.SequenceStartEvent;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.Tag;
import org.snakeyaml.engine.v2.representer.StandardRepresenter;
import org.snakeyaml.engine.v2.schema.CoreSchema;
import org.snakeyaml.engine.v2.schema.Schema;

/**
 * Reads YAML 1.2 as strictly as {@link Json} reads JSON, and into the same values; and writes it.
 * Anchors, aliases and tags are not read: they could make a small body a large tree, and no
 * document needs them. {@code no} is a text, as in YAML 1.2.
 */
public final class Yaml {

  /** The media type. */
  public static final String MEDIA_TYPE = "application/yaml";

  /** A number with more characters is rejected, as in JSON. */
  private static final int NUMBER_MAX = 1000;

  /** Decides which unquoted scalars are strings; the same for reading and writing. */
  private static final Schema SCHEMA = new CoreSchema();

  private final Iterator<Event> events;
  private int valuesLeft;

  private Yaml(Iterator<Event> events, int valuesMax) {
    this.events = events;
    this.valuesLeft = valuesMax;
  }

  /** Whether a media type is one of those in use for YAML. */
  public static boolean isYaml(String type) {
    return switch (type) {
      case MEDIA_TYPE, "application/x-yaml", "text/yaml", "text/x-yaml" -> true;
      default -> false;
    };
  }

  /**
   * Reads one object.
   *
   * @param body UTF-8
   * @param valuesMax how many values it may hold, nested ones included
   * @throws Refusal 400, with a pointer where there is one
   */
  public static Map<String, Object> object(byte[] body, int valuesMax) {
    try {
      StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(body));
      LoadSettings settings = LoadSettings.builder().setCodePointLimit(body.length + 1).build();
      Iterator<Event> events =
          new Parse(settings).parseInputStream(new ByteArrayInputStream(body)).iterator();
      Object value = new Yaml(events, valuesMax).document();
      if (value instanceof Map<?, ?>) {
        return Fields.asObject(value);
      }
      throw refusal("", "the body: " + Shown.of(value) + " (expected: an object)");
    } catch (CharacterCodingException badUtf8) {
      throw refusal("", "the body: not UTF-8");
    } catch (MarkedYamlEngineException malformed) {
      throw refusal(
          "",
          "the body: malformed YAML"
              + malformed
                  .getProblemMark()
                  .map(
                      at -> " near line " + (at.getLine() + 1) + ", column " + (at.getColumn() + 1))
                  .orElse(""));
    } catch (YamlEngineException malformed) {
      throw refusal("", "the body: malformed YAML");
    }
  }

  private Event next() {
    try {
      return events.next();
    } catch (YamlEngineException malformed) {
      throw malformed;
    } catch (RuntimeException malformed) {
      // The parser throws other exceptions for some invalid texts, such as "\\UFFFFFFFF".
      throw refusal("", "the body: malformed YAML");
    }
  }

  private Object document() {
    Event event = next();
    while (event.getEventId() == Event.ID.StreamStart
        || event.getEventId() == Event.ID.DocumentStart) {
      event = next();
    }
    if (event.getEventId() == Event.ID.StreamEnd) {
      throw refusal("", "the body: missing (expected: an object)");
    }
    Object value = value(event, "", 0);
    while (events.hasNext()) {
      if (next().getEventId() == Event.ID.DocumentStart) {
        throw refusal("", "the body: more than one YAML document");
      }
    }
    return value;
  }

  private Object value(Event event, String pointer, int depth) {
    if (--valuesLeft < 0) {
      throw refusal("", "the body: too many values");
    }
    return switch (event) {
      case ScalarEvent scalar -> {
        refuse(scalar.getAnchor().isPresent() || scalar.getTag().isPresent(), pointer);
        yield scalar.isPlain() ? plain(scalar.getValue(), pointer) : scalar.getValue();
      }
      case MappingStartEvent mapping -> {
        refuse(mapping.getAnchor().isPresent() || mapping.getTag().isPresent(), pointer);
        yield object(pointer, deeper(pointer, depth));
      }
      case SequenceStartEvent sequence -> {
        refuse(sequence.getAnchor().isPresent() || sequence.getTag().isPresent(), pointer);
        yield array(pointer, deeper(pointer, depth));
      }
      default -> {
        refuse(true, pointer);
        yield Json.NULL;
      }
    };
  }

  private static void refuse(boolean isOfYamlAlone, String pointer) {
    if (isOfYamlAlone) {
      throw refusal(
          pointer,
          Fields.name(pointer)
              + ": has an anchor, alias or tag (expected: none, they are not supported)");
    }
  }

  private static int deeper(String pointer, int depth) {
    if (depth == Json.DEPTH_MAX) {
      throw refusal(pointer, "the body: nested deeper than " + Json.DEPTH_MAX + " levels");
    }
    return depth + 1;
  }

  private Map<String, Object> object(String pointer, int depth) {
    Map<String, Object> members = new LinkedHashMap<>(8);
    for (Event event = next(); event.getEventId() != Event.ID.MappingEnd; event = next()) {
      if (!(event instanceof ScalarEvent key)
          || (key.isPlain() && !tag(key.getValue()).equals(Tag.STR))) {
        String shown = event instanceof ScalarEvent number ? number.getValue() : "a collection";
        throw refusal(
            pointer,
            Fields.name(pointer)
                + ": the name "
                + shown
                + " is not a text (expected: a name in quotes)");
      }
      refuse(key.getAnchor().isPresent() || key.getTag().isPresent(), pointer);
      String at = pointer + "/" + key.getValue().replace("~", "~0").replace("/", "~1");
      if (members.put(key.getValue(), value(next(), at, depth)) != null) {
        throw refusal(at, Fields.name(at) + ": given twice");
      }
    }
    return members;
  }

  private List<Object> array(String pointer, int depth) {
    List<Object> items = new ArrayList<>(4);
    for (Event event = next(); event.getEventId() != Event.ID.SequenceEnd; event = next()) {
      items.add(value(event, pointer + "/" + items.size(), depth));
    }
    return items;
  }

  private static Tag tag(String plain) {
    return SCHEMA.getScalarResolver().resolve(plain, true);
  }

  /** The type of an unquoted scalar: the core schema of YAML 1.2. */
  private static Object plain(String text, String pointer) {
    Tag tag = tag(text);
    if (tag.equals(Tag.STR)) {
      return text;
    }
    if (text.length() > NUMBER_MAX) {
      throw refusal(pointer, Fields.name(pointer) + ": a number that exceeds the length limit");
    }
    ConstructNode meaning =
        Objects.requireNonNull(SCHEMA.getSchemaTagConstructors().get(tag), "every tag has one");
    Object value = meaning.construct(new ScalarNode(tag, text, ScalarStyle.PLAIN));
    return switch (value) {
      case null -> Json.NULL;
      case Integer number -> number.longValue();
      case BigInteger number -> number.doubleValue();
      default -> value;
    };
  }

  /** Writes an object of {@link Json}. */
  public static byte[] write(Map<String, Object> object) {
    DumpSettings settings =
        DumpSettings.builder()
            .setSchema(SCHEMA)
            .setDefaultFlowStyle(FlowStyle.BLOCK)
            .setIndicatorIndent(2)
            .setIndentWithIndicator(true)
            .setWidth(120)
            .setSplitLines(false)
            .build();
    return new Dump(settings, new Texts(settings))
        .dumpToString(withNulls(object))
        .getBytes(StandardCharsets.UTF_8);
  }

  /**
   * Writes a text in double quotes if it has anything except letters, digits and printable ASCII:
   * block scalars do not preserve every text.
   */
  private static final class Texts extends StandardRepresenter {
    Texts(DumpSettings settings) {
      super(settings);
      representers.put(
          String.class,
          text ->
              representScalar(
                  Tag.STR,
                  (String) text,
                  ((String) text).codePoints().allMatch(Texts::isSimple)
                      ? ScalarStyle.PLAIN
                      : ScalarStyle.DOUBLE_QUOTED));
    }

    private static boolean isSimple(int c) {
      return (c >= ' ' && c <= '~') || Character.isLetterOrDigit(c);
    }
  }

  private static Object withNulls(Object value) {
    return switch (value) {
      case Map<?, ?> _ -> {
        Map<String, Object> members = new LinkedHashMap<>();
        Fields.asObject(value)
            .forEach((name, member) ->
                members.put(name, member == Json.NULL ? null : withNulls(member)));
        yield members;
      }
      case List<?> items -> items.stream().map(Yaml::withNulls).toList();
      default -> value;
    };
  }

  private static Refusal refusal(String pointer, String detail) {
    return new Refusal(Problem.invalid(List.of(Fault.body(pointer, detail))));
  }
}
