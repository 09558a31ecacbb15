package io.taskrunner.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SchemaRegistryConfig;
import com.networknt.schema.SpecificationVersion;
import io.taskrunner.http.Served.Reply;
import io.taskrunner.http.call.Problem;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The document {@code openapi.json}, against which every answer of a {@link Served} is checked: a
 * status, a code, a media type, a header or a member that it does not list is an error in one of
 * the two.
 */
final class Contract {

  private static final String HOME = "https://task-runner.invalid/openapi.json";

  private static final ObjectMapper JSON = new ObjectMapper();

  private static final Pattern WORD = Pattern.compile("`([a-z0-9_]+)`");

  /** Read once for all tests. */
  static final Contract OF_THIS_BUILD = new Contract();

  /** A call that the document describes. */
  record Operation(String method, String template, JsonNode node) {

    String id() {
      return node.path("operationId").asText();
    }

    /** The statuses and codes of problems that it lists itself, as {@code 404 task_not_found}. */
    Set<String> refusals() {
      Set<String> refusals = new TreeSet<>();
      node.path("responses")
          .propertyStream()
          .filter(each -> each.getValue().path("content").has(Problem.MEDIA_TYPE))
          .forEach(each ->
              words(each.getValue()).forEach(word -> refusals.add(each.getKey() + " " + word)));
      return refusals;
    }

    /** Its path and query, with the examples of its parameters. */
    String path() {
      return path("", "");
    }

    /** The same, with another value for one of the parameters. */
    String path(String parameterName, String other) {
      String path = template;
      StringBuilder query = new StringBuilder();
      for (JsonNode parameter : node.path("parameters")) {
        String name = parameter.path("name").asText();
        String example = name.equals(parameterName) ? other : parameter.path("example").asText();
        if (parameter.path("required").asBoolean() && example.isEmpty()) {
          throw new AssertionError("openapi.json: " + this + ": " + name + " has no example");
        }
        switch (parameter.path("in").asText()) {
          case "path" -> path = path.replace("{" + name + "}", example);
          case "query" -> {
            if (!example.isEmpty()) {
              query.append(query.isEmpty() ? '?' : '&').append(name).append('=');
              query.append(example.replace(" ", "%20"));
            }
          }
          default -> {}
        }
      }
      return path + query;
    }

    /** The example of its body, of this media type; null when it takes none. */
    String body(String type) {
      JsonNode content = node.at("/requestBody/content");
      if (content.isMissingNode()) {
        return null;
      }
      JsonNode example = content.path(type).path("example");
      if (example.isMissingNode()) {
        throw new AssertionError("openapi.json: " + this + ": its body has no example of " + type);
      }
      return example.isTextual() ? example.asText() : example.toString();
    }

    /** The place of a part of it in the document, as a pointer. */
    String pointer(String... parts) {
      StringBuilder pointer = new StringBuilder("/paths/" + escaped(template));
      pointer.append('/').append(method.toLowerCase(Locale.ROOT));
      for (String part : parts) {
        pointer.append('/').append(escaped(part));
      }
      return pointer.toString();
    }

    @Override
    public String toString() {
      return method + " " + template;
    }
  }

  private final JsonNode document;
  private final List<Operation> operations = new ArrayList<>();
  private final Map<Operation, Pattern> paths = new HashMap<>();
  private final SchemaRegistry schemas;
  private final Map<String, Schema> compiled = new ConcurrentHashMap<>();

  private Contract() {
    try (InputStream in = ApiServer.class.getResourceAsStream("/openapi.json")) {
      document = JSON.readTree(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    document
        .path("paths")
        .propertyStream()
        .forEach(path ->
            path.getValue()
                .propertyStream()
                .forEach(method ->
                    operations.add(
                        new Operation(
                            method.getKey().toUpperCase(Locale.ROOT),
                            path.getKey(),
                            method.getValue()))));
    for (Operation operation : operations) {
      String quoted = operation.template().replaceAll("[.]", "[.]");
      // The start page of the dashboard is the page with no name.
      String any = quoted.equals("/ui/{page}") ? "[^/]*" : "[^/]+";
      paths.put(operation, Pattern.compile(quoted.replaceAll("\\{\\w+}", any)));
    }
    ObjectNode closed = document.<ObjectNode>deepCopy().retain("paths", "components");
    close(closed, closed);
    schemas =
        SchemaRegistry.withDefaultDialect(
            SpecificationVersion.DRAFT_2020_12,
            builder ->
                builder
                    .schemas(Map.of(HOME, closed.toString()))
                    .schemaRegistryConfig(
                        SchemaRegistryConfig.builder().formatAssertionsEnabled(true).build()));
  }

  /** The document from the build; a server shows it with its own prefix. */
  JsonNode document() {
    return document;
  }

  /** In the document's order. */
  List<Operation> operations() {
    return operations;
  }

  /** The operation of this name. */
  Operation operation(String id) {
    return operations.stream()
        .filter(each -> each.id().equals(id))
        .findFirst()
        .orElseThrow(() -> new AssertionError("the document has no operationId " + id));
  }

  /** The operation of this name; empty where the document has no such path or method. */
  Optional<Operation> find(String method, String path) {
    String plain = path.replaceFirst("[?].*", "");
    String known = method.equals("HEAD") ? "GET" : method;
    return operations.stream()
        .filter(each -> each.method().equals(known) && paths.get(each).matcher(plain).matches())
        .min(Comparator.comparing(each -> each.template().indexOf('{')));
  }

  /**
   * Checks an answer against the document.
   *
   * @param path below the server's prefix, with its query
   * @param sent the request's body; null for none
   * @throws AssertionError they differ
   */
  void check(String method, String path, String sent, Reply reply) {
    Optional<Operation> found = find(method, path);
    boolean withBody = !method.equals("HEAD");
    if (found.isEmpty()) {
      if (reply.status() >= 400 && withBody) {
        problem(method + " " + path, reply, document.at("/components/responses/AnyCall"));
      }
      return;
    }
    Operation operation = found.get();
    String status = Integer.toString(reply.status());
    JsonNode response = operation.node().path("responses").path(status);
    String code = withBody && isProblem(reply) ? reply.code() : "";
    if (!code.isEmpty() && !words(response).contains(code)) {
      problem(operation.toString(), reply, document.at("/components/responses/AnyCall"));
      return;
    }
    say(
        !response.isMissingNode(),
        operation,
        "answered " + status + ", which is not among its responses",
        reply);
    response
        .path("headers")
        .propertyStream()
        .filter(header -> header.getValue().path("required").asBoolean())
        .map(Map.Entry::getKey)
        .forEach(name ->
            say(
                reply.header(name) != null,
                operation,
                status + " lacks the header " + name + " that it promises",
                reply));
    if (withBody) {
      checkBody(operation, status, response.path("content"), reply);
    }
    if (reply.status() < 300) {
      checkTaken(operation, path, sent, reply);
    }
  }

  private void checkBody(Operation operation, String status, JsonNode content, Reply reply) {
    if (content.isMissingNode()) {
      say(reply.body().isEmpty(), operation, status + " promises no body", reply);
      return;
    }
    String type = type(reply);
    say(content.has(type), operation, status + " promises no " + type, reply);
    if (type.endsWith("json")) {
      String pointer = operation.pointer("responses", status, "content", type, "schema");
      List<String> faults = faults(pointer, reply.json());
      say(
          faults.isEmpty(),
          operation,
          status
              + " is not as its schema says ("
              + pointer
              + "; members that are not listed there are faults, unless it says"
              + " additionalProperties: true): "
              + faults,
          reply);
    }
  }

  /** An accepted body must be valid by the document. */
  private void checkTaken(Operation operation, String path, String sent, Reply reply) {
    Set<String> parameters =
        operation
            .node()
            .path("parameters")
            .valueStream()
            .filter(each -> each.path("in").asText().equals("query"))
            .map(each -> each.path("name").asText())
            .collect(Collectors.toSet());
    int query = path.indexOf('?');
    for (String pair : query < 0 ? new String[0] : path.substring(query + 1).split("&", -1)) {
      String name = pair.replaceFirst("=.*", "");
      if (!parameters.contains(name)) {
        throw fault(operation, "took the parameter " + name + ", which it does not list", path);
      }
    }
    boolean json =
        operation.node().at("/requestBody/content").has("application/json")
            && sent != null
            && sent.startsWith("{")
            && reply.json().path("rejected").asInt() == 0;
    if (json) {
      List<String> faults;
      try {
        faults =
            faults(
                operation.pointer("requestBody", "content", "application/json", "schema"),
                JSON.readTree(sent));
      } catch (IOException yaml) {
        return;
      }
      if (!faults.isEmpty()) {
        throw fault(operation, "took a body that is not as its schema says: " + faults, sent);
      }
    }
  }

  private void problem(String call, Reply reply, JsonNode response) {
    String where = "name it in the description of this status, as `" + reply.code() + "`";
    if (!isProblem(reply)) {
      throw new AssertionError(
          call + " answered " + reply.status() + " without a problem: " + reply.body());
    }
    if (!words(response).contains(reply.code())) {
      throw new AssertionError(
          "openapi.json: "
              + call
              + " answered "
              + reply.status()
              + " `"
              + reply.code()
              + "`, which it does not list; "
              + where
              + ": "
              + reply.body());
    }
    List<String> faults = faults("/components/schemas/Problem", reply.json());
    if (!faults.isEmpty()) {
      throw new AssertionError(call + ": " + faults + ": " + reply.body());
    }
  }

  /** The differences between a value and the schema at this pointer of the document. */
  List<String> faults(String pointer, JsonNode value) {
    // Most lead to few, each of which takes some milliseconds to compile.
    String named =
        document.at(pointer.replace("%7B", "{").replace("%7D", "}")).path("$ref").asText();
    String place = named.isEmpty() ? pointer : named.substring(1);
    return compiled
        .computeIfAbsent(place, _ -> schemas.getSchema(SchemaLocation.of(HOME + "#" + place)))
        .validate(value)
        .stream()
        .map(error -> error.getInstanceLocation() + ": " + error.getMessage())
        .toList();
  }

  /** The words in backticks in the description of a response. */
  static Set<String> words(JsonNode response) {
    Set<String> words = new TreeSet<>();
    Matcher word = WORD.matcher(response.path("description").asText());
    while (word.find()) {
      words.add(word.group(1));
    }
    return words;
  }

  private static boolean isProblem(Reply reply) {
    return type(reply).equals(Problem.MEDIA_TYPE);
  }

  private static String type(Reply reply) {
    String type = reply.header("content-type");
    return type == null ? "" : type.replaceFirst(";.*", "").strip();
  }

  private static void say(boolean well, Operation operation, String what, Reply reply) {
    if (!well) {
      throw fault(operation, what, reply.status() + " " + reply.headers() + " " + reply.body());
    }
  }

  private static AssertionError fault(Operation operation, String what, String seen) {
    return new AssertionError(
        "openapi.json: "
            + operation
            + " "
            + what
            + "; the document or the program is wrong: "
            + seen);
  }

  private static String escaped(String part) {
    return part.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D");
  }

  /** Makes members that a schema does not list errors, throughout. */
  private static void close(JsonNode node, JsonNode root) {
    if (node instanceof ObjectNode schema) {
      if (schema.has("allOf")) {
        merge(schema, root);
      }
      if (schema.path("properties").isObject() && !schema.has("additionalProperties")) {
        schema.put("unevaluatedProperties", false);
      }
    }
    node.forEach(each -> close(each, root));
  }

  /** One schema with the members of all its parts, so that it can be closed. */
  private static void merge(ObjectNode schema, JsonNode root) {
    ObjectNode properties = JsonNodeFactory.instance.objectNode();
    ArrayNode required = JsonNodeFactory.instance.arrayNode();
    for (JsonNode part : schema.remove("allOf")) {
      JsonNode whole = part.has("$ref") ? root.at(part.path("$ref").asText().substring(1)) : part;
      whole
          .path("properties")
          .propertyStream()
          .forEach(each -> properties.set(each.getKey(), each.getValue().deepCopy()));
      whole.path("required").forEach(required::add);
    }
    schema.put("type", "object");
    schema.set("properties", properties);
    schema.set("required", required);
  }
}
