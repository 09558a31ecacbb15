package io.taskrunner.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.linecorp.armeria.common.HttpStatus;
import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import io.taskrunner.http.Contract.Operation;
import io.taskrunner.http.Served.Setup;
import io.taskrunner.http.call.Fault;
import io.taskrunner.http.call.Missing;
import io.taskrunner.http.call.Problem;
import io.taskrunner.http.call.Route;
import io.taskrunner.task.TaskId;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** The document and the routes agree. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class OpenapiTest {

  /** All statuses of the server below. */
  private static final List<HttpStatus> STATUSES =
      IntStream.range(400, 600).mapToObj(HttpStatus::valueOf).toList();

  private Served served;
  private JsonNode document;

  @BeforeAll
  void start() {
    served = new Served(Setup.local(), new FakeStores());
    document = served.get("/openapi.json").json();
  }

  @AfterAll
  void stop() {
    served.close();
  }

  /** By the schema of its own authors, with the schemas in it held to JSON Schema 2020-12. */
  @Test
  void theDocumentIsValidOpenapi() throws IOException {
    String home = "https://spec.openapis.org/oas/3.1/schema/2025-09-15";
    String whole =
        """
        {"$id": "https://task-runner.invalid/standard", "$ref": "%s",
         "$defs": {"schema": {"$dynamicAnchor": "meta", "$ref": "https://json-schema.org/draft/2020-12/schema"}}}
        """
            .formatted(home);
    Map<String, String> known = Map.of(home, standard());
    SchemaRegistry schemas =
        SchemaRegistry.withDefaultDialect(
            SpecificationVersion.DRAFT_2020_12, builder -> builder.schemas(known));
    Schema schema = schemas.getSchema(whole, InputFormat.JSON);
    assertEquals(List.of(), schema.validate(document));
    ObjectNode wrong = document.deepCopy();
    ((ObjectNode) wrong.at("/components/schemas/Limits")).put("type", "objekt");
    ((ObjectNode) wrong.at("/paths/~1version/get")).put("sumary", "of a version");
    Set<String> faults =
        schema.validate(wrong).stream()
            .map(fault -> fault.getInstanceLocation().toString())
            .collect(Collectors.toSet());
    assertTrue(faults.contains("/components/schemas/Limits/type"), faults.toString());
    assertTrue(faults.contains("/paths/~1version/get"), faults.toString());
  }

  private static String standard() throws IOException {
    try (InputStream in = OpenapiTest.class.getResourceAsStream("/openapi/3.1/schema/2025-09-15")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  @Test
  void exactlyTheExistingRoutesAreDocumented() {
    Set<String> documented = new TreeSet<>();
    document
        .path("paths")
        .propertyStream()
        .forEach(path ->
            path.getValue()
                .fieldNames()
                .forEachRemaining(method ->
                    documented.add(method.toUpperCase(Locale.ROOT) + " " + path.getKey())));
    Set<String> routed =
        served.server.routes().stream()
            .map(route -> route.method() + " " + template(route))
            .collect(Collectors.toCollection(TreeSet::new));
    assertEquals(routed, documented);
  }

  @Test
  void eachOperationDocumentsItsAccessAndParameters() {
    for (Route route : served.server.routes()) {
      JsonNode operation = operation(route);
      String security = operation.path("security").toString();
      String expected =
          switch (route.access()) {
            case ANYONE -> "[]";
            case ENQUEUE -> "[{},{\"clientBearer\":[]},{\"clientKey\":[]},{\"adminKey\":[]}]";
            case READ, OPERATE -> "[{\"clientBearer\":[]},{\"clientKey\":[]},{\"adminKey\":[]}]";
            case ADMIN -> "[{\"adminKey\":[]}]";
            case METRICS -> "[{\"metricsToken\":[]},{\"adminKey\":[]}]";
            case DETAIL -> "[{},{\"metricsToken\":[]},{\"adminKey\":[]}]";
          };
      assertEquals(expected, security, route.template());
      assertEquals(
          route.access().scope().isPresent(),
          operation.at("/responses/403/description").asText().contains("`scope_missing`"),
          route.template());
      JsonNode body = operation.path("requestBody");
      assertEquals(route.body() != Route.Body.NONE, body.isObject(), route.template());
      assertEquals(
          route.body() == Route.Body.REQUIRED
              || route.body() == Route.Body.BATCH
              || route.body() == Route.Body.DOCUMENT,
          body.path("required").asBoolean(false),
          route.template());
      List<String> places = new ArrayList<>();
      Matcher place = Pattern.compile("\\{(\\w+)}").matcher(route.template());
      while (place.find()) {
        places.add(place.group(1));
      }
      assertEquals(
          places,
          operation
              .path("parameters")
              .valueStream()
              .filter(parameter -> parameter.path("in").asText().equals("path"))
              .map(parameter -> parameter.path("name").asText())
              .toList());
      assertEquals(
          Set.copyOf(route.parameters()),
          operation
              .path("parameters")
              .valueStream()
              .filter(parameter -> parameter.path("in").asText().equals("query"))
              .map(parameter -> parameter.path("name").asText())
              .collect(Collectors.toSet()),
          route.template());
      assertFalse(operation.path("summary").asText().isEmpty());
    }
  }

  /** The path that documents a route: that of a folder's own page has no slash at its end. */
  private static String template(Route route) {
    return route.template().equals("/ui/") ? "/ui" : route.template();
  }

  private JsonNode operation(Route route) {
    return document
        .path("paths")
        .path(template(route))
        .path(route.method().name().toLowerCase(Locale.ROOT));
  }

  @Test
  void everyReferenceHasATarget() {
    Deque<JsonNode> open = new ArrayDeque<>(List.of(document));
    Set<String> used = new TreeSet<>();
    while (!open.isEmpty()) {
      JsonNode node = open.pop();
      if (node.has("$ref")) {
        String reference = node.path("$ref").asText();
        assertTrue(document.at(reference.substring(1)).isObject(), reference);
        if (reference.startsWith("#/components/schemas/")) {
          used.add(reference.substring(reference.lastIndexOf('/') + 1));
        }
      }
      node.forEach(open::push);
    }
    Set<String> schemas = new TreeSet<>();
    document.path("components").path("schemas").fieldNames().forEachRemaining(schemas::add);
    assertEquals(schemas, used);
  }

  @Test
  void theDocumentedErrorCodesAreThoseOfTheProgram() throws ReflectiveOperationException {
    List<String> listed =
        document.at("/components/schemas/ProblemCode/oneOf").findValuesAsText("const");
    assertEquals(List.copyOf(new TreeSet<>(listed)), listed, "each once, in order");
    Set<String> made = new TreeSet<>();
    List<Method> factories = new ArrayList<>(List.of(Problem.class.getDeclaredMethods()));
    factories.addAll(List.of(Missing.class.getDeclaredMethods()));
    for (Method method : factories) {
      if (Modifier.isStatic(method.getModifiers()) && Modifier.isPublic(method.getModifiers())) {
        for (HttpStatus status : STATUSES) {
          Object[] arguments =
              Arrays.stream(method.getParameterTypes()).map(type -> any(type, status)).toArray();
          made.add(((Problem) method.invoke(null, arguments)).code());
        }
      }
    }
    assertEquals(made, new TreeSet<>(listed), "Problem, Missing and the schema ProblemCode");
    Set<String> told = Contract.words(document.at("/components/responses/AnyCall"));
    for (Operation operation : Contract.OF_THIS_BUILD.operations()) {
      operation.refusals().forEach(refusal -> told.add(refusal.substring(4)));
    }
    assertEquals(made, told, "what an operation or AnyCall may come to");
  }

  /** Something of this type: the arguments of a problem do not change its code. */
  private static Object any(Class<?> type, HttpStatus status) {
    if (type == HttpStatus.class) {
      return status;
    }
    if (type.isEnum()) {
      return type.getEnumConstants()[0];
    }
    return switch (type.getSimpleName()) {
      case "String" -> "any";
      case "int", "long" -> 1;
      case "boolean" -> true;
      case "List" -> List.of(Fault.parameter("any", "any"));
      case "Duration" -> Duration.ZERO;
      case "Instant" -> Instant.EPOCH;
      case "TaskId" -> TaskId.parse("0193abcd-0000-7000-8000-000000000000").orElseThrow();
      default -> throw new AssertionError("name some " + type + " here");
    };
  }

  @Test
  void theFieldsOfAnEnqueueAreDocumented() {
    Map<String, String> values =
        document
            .at("/components/schemas/Enqueue/properties")
            .propertyStream()
            .collect(Collectors.toMap(Map.Entry::getKey, _ -> "{\"wrong\":true}"));
    String body =
        values.entrySet().stream()
            .map(each -> "\"" + each.getKey() + "\":" + each.getValue())
            .collect(Collectors.joining(",", "{", "}"));
    String faults = served.post("/v1/enqueue", body).json().path("errors").toString();
    for (String name : values.keySet()) {
      assertFalse(faults.contains("\"" + name + ": unknown field\""), name);
      assertTrue(faults.contains("\"/" + name), name + " is read");
    }
  }

  @Test
  void thePagesLoadNothingFromOtherSites() {
    for (String path : List.of("/", "/docs")) {
      Served.Reply page = served.get(path);
      assertEquals("text/html; charset=utf-8", page.header("content-type"));
      assertFalse(page.body().contains("{{"), path);
      assertFalse(Pattern.compile("(src|href)=\"(https?:)?//").matcher(page.body()).find(), path);
      assertTrue(page.header("content-security-policy").startsWith("default-src 'none'"));
    }
    assertTrue(
        served.get("/docs").header("content-security-policy").contains("script-src 'sha256-"));
    assertEquals(
        List.of("1.2.3"),
        Arrays.stream(served.get("/").body().split("[<>]")).filter("1.2.3"::equals).toList());
  }
}
