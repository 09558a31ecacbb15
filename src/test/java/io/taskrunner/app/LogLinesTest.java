package io.taskrunner.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.LoggingEvent;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.taskrunner.config.LogSettings.Format;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;
import org.slf4j.event.KeyValuePair;

class LogLinesTest {

  private static final Instant NOW = Instant.parse("2026-01-02T03:04:05.006Z");

  private final LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();

  @Test
  void aJsonLineHasItsFieldsWithTheirTypes() throws Exception {
    String line = line(Format.JSON, "delivered", null, new KeyValuePair("status", 200));
    JsonNode json = new ObjectMapper().readTree(line);
    assertEquals("2026-01-02T03:04:05.006Z", json.get("time").asText());
    assertEquals("info", json.get("level").asText());
    assertEquals("io.taskrunner.worker.Settler", json.get("logger").asText());
    assertEquals("delivered", json.get("message").asText());
    assertEquals(200, json.get("status").asInt());
    assertTrue(json.get("status").isInt());
    assertTrue(line.endsWith("}\n"));
  }

  @Test
  void foreignTextIsEscapedOnOneLineAndCanBeReadBack() throws Exception {
    String nasty =
        "a\n{\"level\":\"error\"}\r\t\u001b[2J\u2028\u202e\u0085\"\\ \ud83d\ude00 \ud83d";
    for (Format format : Format.values()) {
      String line = line(format, nasty, null, new KeyValuePair("url", nasty));
      assertEquals(1, line.lines().count(), line);
      for (String forbidden : List.of("\u001b", "\u2028", "\u202e", "\u0085", "\r")) {
        assertFalse(line.contains(forbidden), line);
      }
    }
    JsonNode json =
        new ObjectMapper().readTree(line(Format.JSON, nasty, null, new KeyValuePair("url", nasty)));
    assertEquals(nasty, json.get("message").asText());
    assertEquals(nasty, json.get("url").asText());
    assertEquals("info", json.get("level").asText());
  }

  @Test
  void noValueIsLongerThanFourKibibytes() throws Exception {
    for (String unit : List.of("x", "é", "€", "😀")) {
      String huge = unit.repeat(10_000);
      JsonNode json =
          new ObjectMapper()
              .readTree(line(Format.JSON, huge, new IllegalStateException(huge), pair(huge)));
      for (String field : List.of("message", "value", "error")) {
        byte[] bytes = json.get(field).asText().getBytes(StandardCharsets.UTF_8);
        assertTrue(bytes.length <= 4096 && bytes.length > 512, field + " " + bytes.length);
      }
      assertTrue(json.get("message").asText().endsWith("…"));
    }
    String fits = "x".repeat(4096);
    assertEquals(
        fits, new ObjectMapper().readTree(line(Format.JSON, fits, null)).get("message").asText());
  }

  @Test
  void aFieldCannotReplaceAStandardField() throws Exception {
    JsonNode json =
        new ObjectMapper()
            .readTree(line(Format.JSON, "real", null, new KeyValuePair("message", "forged")));
    assertEquals("real", json.get("message").asText());
    assertEquals("forged", json.get("message_").asText());
  }

  @Test
  void aStackTraceIsOneJsonValueOrIndentedLinesOfText() throws Exception {
    Throwable thrown = new IllegalStateException("no\nway", new IOException("because"));
    String json = line(Format.JSON, "failed", thrown);
    assertEquals(1, json.lines().count());
    String stack = new ObjectMapper().readTree(json).get("error").asText();
    assertTrue(stack.startsWith("java.lang.IllegalStateException: no\nway"), stack);
    assertTrue(stack.contains("Caused by: java.io.IOException: because"), stack);

    String text = line(Format.TEXT, "failed", thrown);
    assertEquals("03:04:05.006 INFO  Settler: failed", text.lines().findFirst().orElseThrow());
    assertTrue(text.lines().skip(1).allMatch(frame -> frame.startsWith("    ")), text);
  }

  @Test
  void theTextFormatQuotesValuesWithSpaces() {
    assertEquals(
        "03:04:05.006 INFO  Settler: done queue=default detail=\"two words\" none=\"\"\n",
        line(
            Format.TEXT,
            "done",
            null,
            new KeyValuePair("queue", "default"),
            new KeyValuePair("detail", "two words"),
            new KeyValuePair("none", "")));
  }

  private static KeyValuePair pair(String value) {
    return new KeyValuePair("value", value);
  }

  private String line(
      Format format, String message, @Nullable Throwable thrown, KeyValuePair... pairs) {
    LoggingEvent event =
        new LoggingEvent(
            LogLinesTest.class.getName(),
            context.getLogger("io.taskrunner.worker.Settler"),
            Level.INFO,
            message,
            thrown,
            null);
    event.setInstant(NOW);
    for (KeyValuePair pair : pairs) {
      event.addKeyValuePair(pair);
    }
    return new String(new LogLines(format).encode(event), StandardCharsets.UTF_8);
  }
}
