package io.taskrunner.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.linecorp.armeria.common.HttpMethod;
import io.taskrunner.http.Served.Reply;
import io.taskrunner.http.Served.Setup;
import io.taskrunner.http.call.Route;
import io.taskrunner.store.redis.RedisStore;
import io.taskrunner.store.redis.StoreOptions;
import io.taskrunner.testkit.RedisExtension;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.slf4j.LoggerFactory;

/** Every error of a caller is reported to the caller: a 4xx, and no ERROR in the log. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CallersFaultsTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final List<String> ODD =
      List.of(
          "",
          " ",
          "0",
          "-1",
          "0-0",
          "00-1",
          "1-1",
          "999999999999999-999999999999999",
          "99999999999999999999",
          "9223372036854775808",
          "1e999",
          "NaN",
          "null",
          "true",
          "a:b",
          ":",
          "a:",
          "*",
          "\n",
          "\u0000",
          "é",
          "\ud83d\ude00",
          "%",
          "x".repeat(3000),
          "AAAA",
          "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
          "eyJhIjoxfQ",
          "2026-01-31T12:00:00Z",
          "+999999999-12-31T23:59:59Z",
          "http_500",
          "[::1]:80",
          "{cfg}",
          "0,1",
          "1 2 3");

  private static final List<String> BODIES =
      List.of(
          "",
          "null",
          "[]",
          "0",
          "\"\"",
          "{}",
          "{\"\":0}",
          "{\"a\":" + "[".repeat(70) + "]".repeat(70) + "}",
          "{\"name\":1e999,\"client_id\":[],\"tasks\":{},\"action\":{},\"filter\":0}",
          "{\"name\":\"\\ud800\",\"client_id\":\"\\u0000\",\"queues\":{\"\\ud800\":{}}}",
          "{\"queues\":null,\"clients\":{\"\":null},\"schedules\":{\"a\":{\"cron\":\"\"}}}",
          "{\"version\":" + "9".repeat(900) + "}",
          "{\"version\":" + "9".repeat(2000) + "}",
          "\u0000",
          "{\"a\"");

  private final ListAppender<ILoggingEvent> logged = new ListAppender<>();
  private RedisStore store;
  private Served served;

  @BeforeAll
  void start() {
    store = RedisStore.open(StoreOptions.defaults(REDIS.settings()));
    served = new Served(Setup.local(), store);
    logged.start();
    root().addAppender(logged);
  }

  @AfterAll
  void stop() {
    root().detachAppender(logged);
    served.close();
    store.close();
  }

  private static Logger root() {
    return (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
  }

  private List<Route> strict() {
    return served.server.routes().stream()
        .filter(
            route -> route.template().startsWith("/v1/") || route.template().startsWith("/admin/"))
        .toList();
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }

  /** Sent unchanged: odd calls may contain things unknown to openapi.json. */
  private Reply send(HttpMethod method, String target, String body) {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    return served.raw(
        method
            + " "
            + target
            + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json"
            + "\r\nContent-Length: "
            + bytes.length
            + "\r\n\r\n",
        bytes);
  }

  private void isNoFaultOfTheServer(Reply reply, String call) {
    assertTrue(reply.status() < 500, call + ": " + reply);
    List<String> errors =
        List.copyOf(logged.list).stream()
            .filter(event -> event.getLevel() == Level.ERROR)
            .map(event -> event.getFormattedMessage() + " " + event.getThrowableProxy())
            .toList();
    assertEquals(List.of(), errors, call);
  }

  @Test
  void anUnknownParameterIsRejectedByName() {
    for (Route route : strict()) {
      String target = route.template().replaceAll("\\{\\w+}", "x") + "?no_such=1&limit=1";
      Reply reply = send(route.method(), target, "{}");
      List<String> names = reply.json().path("errors").findValuesAsText("parameter");
      assertEquals(400, reply.status(), target);
      assertTrue(names.contains("no_such"), target + ": " + reply.body());
      assertEquals(!route.parameters().contains("limit"), names.contains("limit"), target);
    }
    for (String probed : List.of("/health/ready", "/health", "/metrics", "/version", "/")) {
      assertEquals(200, send(HttpMethod.GET, probed + "?_=1&no_such=2", "").status(), probed);
    }
    assertEquals(200, send(HttpMethod.GET, "/v1/tasks?", "").status());
  }

  @Test
  void oddParametersNeverCauseAServerError() {
    for (Route route : strict()) {
      for (String name : route.parameters()) {
        for (String odd : ODD) {
          String target =
              route.template().replaceAll("\\{\\w+}", "x") + "?" + name + "=" + encoded(odd);
          if (route.method() == HttpMethod.GET) {
            isNoFaultOfTheServer(send(route.method(), target, ""), target);
          }
        }
      }
    }
  }

  @Test
  void oddPathsAndBodiesNeverCauseAServerError() {
    Random random = new Random(20261129);
    for (Route route : strict()) {
      Stream<String> paths =
          route.template().contains("{")
              ? ODD.stream().map(CallersFaultsTest::encoded)
              : Stream.of("");
      for (String part : paths.toList()) {
        String target = route.template().replaceAll("\\{\\w+}", part.isEmpty() ? "x" : part);
        String body =
            route.body() == Route.Body.NONE ? "" : BODIES.get(random.nextInt(BODIES.size()));
        isNoFaultOfTheServer(send(route.method(), target, body), target + " " + body);
      }
      if (route.body() != Route.Body.NONE) {
        for (String body : BODIES) {
          String target = route.template().replaceAll("\\{\\w+}", "x");
          isNoFaultOfTheServer(send(route.method(), target, body), target + " " + body);
        }
      }
    }
  }

  @Test
  void oddHeadersNeverCauseAServerError() {
    List<String> names =
        List.of(
            "If-Match",
            "If-None-Match",
            "X-API-Key",
            "X-Admin-Key",
            "Authorization",
            "traceparent",
            "tracestate",
            "X-Request-ID",
            "Accept",
            "Content-Type",
            "Content-Encoding",
            "Origin",
            "Idempotency-Key",
            "Cookie",
            "Expect",
            "Content-Length");
    List<String> values = new ArrayList<>();
    for (String odd : ODD) {
      if (odd.chars().allMatch(c -> c >= ' ' && c < 0x7f)) {
        values.add(odd);
      }
    }
    values.addAll(List.of("bearer ", "Bearer tr_" + "A".repeat(43), "\"", "W/\"a\", *", "tra_"));
    Map<String, String> calls =
        Map.of("PUT /v1/queues/odd", "{}", "GET /admin/config", "", "POST /v1/enqueue", "{}");
    calls.forEach((call, body) -> {
      for (String name : names) {
        for (String value : values) {
          String head =
              call
                  + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                  + (name.equals("Content-Length")
                      ? ""
                      : "Content-Length: " + body.length() + "\r\n")
                  + name
                  + ": "
                  + value
                  + "\r\n\r\n";
          if (!name.equals("Content-Length") || !value.matches("[0-9]+")) {
            isNoFaultOfTheServer(
                served.raw(head, body.getBytes(StandardCharsets.UTF_8)), call + " " + name + value);
          }
        }
      }
    });
  }
}
