package io.taskrunner.cloudtasks;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor.JavaType;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.TypeRegistry;
import com.google.protobuf.util.JsonFormat;
import com.google.rpc.Code;
import com.google.rpc.Help;
import com.google.rpc.Status;
import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.QueryParams;
import com.linecorp.armeria.common.ResponseHeaders;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.ServiceRequestContext;
import io.netty.util.AsciiString;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The REST surface: JSON of proto3 on the paths that Google defines, and Google's error body. */
final class Rest implements HttpService {

  /** Base64 makes a task of 1 MB one third longer. */
  private static final int BODY_MAX = 4 * 1024 * 1024;

  private static final int BATCH_MAX = 16 * 1024 * 1024;

  /** Parameters with a meaning in all of Google's APIs, and ignored here. */
  private static final Set<String> SYSTEM =
      Set.of(
          "alt",
          "prettyPrint",
          "pp",
          "fields",
          "key",
          "access_token",
          "bearer_token",
          "oauth_token",
          "quotaUser",
          "userIp",
          "callback",
          "uploadType",
          "upload_protocol");

  private static final AsciiString OVERRIDE = AsciiString.cached("x-http-method-override");

  private static final String ENUMS_AS_NUMBERS = "enum-encoding=int";

  private static final JsonFactory STRICT =
      JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  private final Map<String, Method> methods;
  private final Calls calls;
  private final String prefix;

  /**
   * Over methods.
   *
   * @param prefix of a path before {@code projects}, with its last slash
   */
  Rest(List<Method> methods, Calls calls, String prefix) {
    this.methods =
        methods.stream().collect(Collectors.toUnmodifiableMap(Method::rest, Function.identity()));
    this.calls = calls;
    this.prefix = prefix;
  }

  @Override
  public HttpResponse serve(ServiceRequestContext ctx, HttpRequest request) {
    QueryParams query = QueryParams.fromQueryString(ctx.query());
    Place place = Place.of(ctx.path().substring(prefix.length()));
    // The Java client's transport cannot send PATCH, and sends it as a header of a POST.
    String verb = request.headers().get(OVERRIDE, request.method().name());
    @Nullable Method method = methods.get(verb + " " + place.template());
    String template = method == null ? "unmatched" : "/v2/" + place.template();
    return calls.perform(
        ctx,
        request,
        template,
        method,
        new Failure(Code.NOT_FOUND, "The requested URL was not found on this server."),
        method != null && method.rest().endsWith(":batchCreate") ? BATCH_MAX : BODY_MAX,
        new Json(method, place.name(), query));
  }

  /**
   * The route of a call.
   *
   * @param template with a star for each id, and the verb after its colon
   * @param name of the resource; of the parent of a collection
   */
  private record Place(String template, String name) {
    static Place of(String path) {
      int colon = path.lastIndexOf(':');
      boolean verb = colon > path.lastIndexOf('/');
      String[] parts = (verb ? path.substring(0, colon) : path).split("/", -1);
      StringBuilder template = new StringBuilder();
      StringBuilder name = new StringBuilder();
      for (int i = 0; i < parts.length; i++) {
        String slash = i == 0 ? "" : "/";
        template.append(slash).append(i % 2 == 0 ? parts[i] : "*");
        if (i % 2 == 1 || i < parts.length - 1) {
          name.append(slash).append(decoded(parts[i]));
        }
      }
      return new Place(template + (verb ? path.substring(colon) : ""), name.toString());
    }

    private static String decoded(String part) {
      try {
        return URLDecoder.decode(part.replace("+", "%2B"), StandardCharsets.UTF_8);
      } catch (IllegalArgumentException badEscape) {
        return part; // an invalid name, reported as such
      }
    }
  }

  /** The response to a call that failed before its method. */
  static HttpResponse failed(Failure failure) {
    return error(failure, JsonFormat.printer());
  }

  private static HttpResponse error(Failure failure, JsonFormat.Printer printer) {
    Status status = failure.status();
    ObjectNode error = Mapper.JSON.createObjectNode();
    error.put("code", failure.http());
    error.put("message", status.getMessage());
    error.put("status", failure.code().name());
    if (status.getDetailsCount() > 0) {
      try {
        TypeRegistry types = TypeRegistry.newBuilder().add(Help.getDescriptor()).build();
        error.set(
            "details",
            Mapper.JSON.readTree(printer.usingTypeRegistry(types).print(status)).get("details"));
      } catch (IOException notJson) {
        throw new IllegalStateException(notJson);
      }
    }
    return answer(
        HttpStatus.valueOf(failure.http()),
        Mapper.JSON.createObjectNode().set("error", error).toString());
  }

  private static HttpResponse answer(HttpStatus status, String json) {
    byte[] body = json.getBytes(StandardCharsets.UTF_8);
    return HttpResponse.of(
        ResponseHeaders.builder(status)
            .set(HttpHeaderNames.CONTENT_TYPE, "application/json; charset=UTF-8")
            .contentLength(body.length)
            .build(),
        HttpData.wrap(body));
  }

  /** Loaded on first use. */
  private static final class Mapper {
    static final ObjectMapper JSON = new ObjectMapper();
  }

  private record Json(@Nullable Method method, String name, QueryParams query)
      implements Calls.Surface {

    @Override
    public Message read(byte[] body) {
      if (method == null) {
        throw Failure.internal(); // reported before anything is read
      }
      Message.Builder message = method.request().get().newBuilderForType();
      if (!method.body().isEmpty() && body.length > 0) {
        checkJson(body);
        Message.Builder said =
            method.body().equals("*")
                ? message
                : message.getFieldBuilder(
                    message.getDescriptorForType().findFieldByName(method.body()));
        merge(new String(body, StandardCharsets.UTF_8), said);
      }
      ObjectNode asked = asked(message.getDescriptorForType());
      if (!asked.isEmpty()) {
        merge(asked.toString(), message);
      }
      setName(message);
      return message.build();
    }

    private static void merge(String json, Message.Builder message) {
      try {
        JsonFormat.parser().merge(json, message);
      } catch (InvalidProtocolBufferException notTheMessage) {
        throw payload(String.valueOf(notTheMessage.getMessage()));
      }
    }

    /** Exactly one object of strict JSON, which the message parser would not insist on. */
    private static void checkJson(byte[] body) {
      try (JsonParser json = STRICT.createParser(body)) {
        if (json.nextToken() != JsonToken.START_OBJECT) {
          throw payload("Root element must be a message.");
        }
        json.skipChildren();
        if (json.nextToken() != null) {
          throw payload("There is more than one JSON value.");
        }
      } catch (IOException notJson) {
        throw payload("It is not JSON.");
      }
    }

    private static Failure payload(String why) {
      return Failure.invalid("Invalid JSON payload received. " + why);
    }

    /** The parameters of the query that are fields, as JSON. */
    private ObjectNode asked(Descriptor type) {
      ObjectNode asked = Mapper.JSON.createObjectNode();
      for (String parameter : query.names()) {
        if (SYSTEM.contains(parameter) || parameter.startsWith("$")) {
          continue;
        }
        ObjectNode at = asked;
        Descriptor message = type;
        String[] path = parameter.split("\\.", -1);
        for (int i = 0; i < path.length; i++) {
          FieldDescriptor field = message == null ? null : field(message, path[i]);
          if (field == null) {
            throw payload(
                "Unknown name \""
                    + parameter
                    + "\": Cannot bind query parameter. Field '"
                    + parameter
                    + "' could not be found in request message.");
          }
          if (i == path.length - 1) {
            put(at, field, query.getAll(parameter));
          } else {
            at = at.withObjectProperty(field.getJsonName());
            message = field.getJavaType() == JavaType.MESSAGE ? field.getMessageType() : null;
          }
        }
      }
      return asked;
    }

    private static void put(ObjectNode at, FieldDescriptor field, List<String> values) {
      if (field.isRepeated()) {
        ArrayNode all = at.putArray(field.getJsonName());
        values.forEach(all::add);
      } else {
        at.put(field.getJsonName(), values.getLast());
      }
    }

    private static @Nullable FieldDescriptor field(Descriptor message, String name) {
      for (FieldDescriptor field : message.getFields()) {
        if (field.getJsonName().equals(name) || field.getName().equals(name)) {
          return field;
        }
      }
      return null;
    }

    /** The path decides the resource of the call, whatever the body has. */
    private void setName(Message.Builder message) {
      Message.Builder holder = message;
      String field = method == null ? "" : method.name();
      int dot = field.indexOf('.');
      if (dot >= 0) {
        holder =
            message.getFieldBuilder(
                message.getDescriptorForType().findFieldByName(field.substring(0, dot)));
        field = field.substring(dot + 1);
      }
      holder.setField(holder.getDescriptorForType().findFieldByName(field), name);
    }

    @Override
    public HttpResponse write(Message answer) {
      try {
        return answer(HttpStatus.OK, printer().print(answer));
      } catch (InvalidProtocolBufferException notJson) {
        throw new IllegalStateException(notJson);
      }
    }

    @Override
    public HttpResponse write(Failure failure) {
      return error(failure, printer());
    }

    private JsonFormat.Printer printer() {
      boolean numbers =
          query.getAll("$alt").stream().anyMatch(alt -> alt.contains(ENUMS_AS_NUMBERS))
              || query.getAll("alt").stream().anyMatch(alt -> alt.contains(ENUMS_AS_NUMBERS));
      return numbers ? JsonFormat.printer().printingEnumsAsInts() : JsonFormat.printer();
    }
  }
}
