package io.taskrunner.http.call;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Written documents read back equal, and unreadable ones are errors of the caller. */
class YamlTest {

  private static final long SEED = 20261129;

  private static final int TEXTS = 10_000;

  /** Pieces with a meaning in YAML, in addition to characters of every kind. */
  private static final String[] PIECES = {
    "0",
    "7",
    "1_0",
    "0x1F",
    "0o17",
    "+1",
    "-0",
    ".5",
    "1e5",
    "1.",
    ".inf",
    "-.INF",
    ".nan",
    "~",
    "null",
    "Null",
    "NULL",
    "true",
    "True",
    "TRUE",
    "no",
    "off",
    "yes",
    "y",
    "- ",
    "-",
    "? ",
    ": ",
    ":",
    " #",
    "#",
    "&a",
    "*a",
    "!t",
    "!!int 1",
    "|",
    ">",
    "'",
    "\"",
    "%",
    "@",
    "`",
    "{",
    "}",
    "[",
    "]",
    ",",
    "---",
    "...",
    "\n",
    "\r",
    "\t",
    " ",
    "  ",
    "\u0000",
    "\u0007",
    "\u007f",
    "\u0085",
    "\u00a0",
    "\u2028",
    "\u2029",
    "\ufeff",
    "\ufffe",
    "\ufffd",
    "\\",
    "\\u",
    "<<",
    "=",
    "2026-01-31",
    "12:30:45",
    "\ud83d\ude00",
    "é",
    "漢"
  };

  private static Map<String, Object> read(byte[] yaml) {
    return Yaml.object(yaml, 1_000_000);
  }

  private static Map<String, Object> read(String yaml) {
    return read(yaml.getBytes(StandardCharsets.UTF_8));
  }

  private static String text(Random random) {
    StringBuilder text = new StringBuilder();
    for (int i = random.nextInt(6); i >= 0; i--) {
      if (random.nextInt(4) > 0) {
        text.append(PIECES[random.nextInt(PIECES.length)]);
      } else {
        int point = random.nextInt(random.nextBoolean() ? 0x100 : 0x11_0000);
        text.appendCodePoint(point >= 0xd800 && point < 0xe000 ? '?' : point);
      }
    }
    return text.toString();
  }

  @Test
  void everyTextIsReadUnchanged() {
    Random random = new Random(SEED);
    for (int i = 0; i < TEXTS / 10; i++) {
      Map<String, Object> written = new LinkedHashMap<>();
      for (int j = 0; j < 5; j++) {
        written.put(text(random), text(random));
      }
      Map<String, Object> document = Map.of("a", written, "b", List.of(text(random), "x" + i));
      byte[] yaml = Yaml.write(document);
      assertEquals(
          document,
          read(yaml),
          () -> "seed " + SEED + ": " + new String(yaml, StandardCharsets.UTF_8));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "", "~", "null", "Null", "007", "7", "+1", "-1", ".5", "1.", "1e5", "0x1", "0o7", ".inf",
        "-.inf", ".nan", "true", "True", "TRUE", "False", "no", "Off", "y"
      })
  void aTextThatLooksLikeSomethingElseStaysAText(String text) {
    Map<String, Object> document = Map.of("value", text, "names", Map.of(text, 1L));
    assertEquals(document, read(Yaml.write(document)));
  }

  @Test
  void otherValuesKeepTheirType() {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("null", Json.NULL);
    document.put("true", true);
    document.put("long", Long.MIN_VALUE);
    document.put("small", 3L);
    document.put("real", 0.1);
    document.put("large", 1e300);
    document.put("list", List.of());
    document.put("map", Map.of());
    assertEquals(document, read(Yaml.write(document)));
  }

  @ParameterizedTest
  @CsvSource({"007,7", "+12,12", "0x1F,31", "0o17,15", "-0,0"})
  void numbersAreThoseOfTheCoreSchema(String written, long value) {
    assertEquals(Map.of("a", value), read("a: " + written));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "a: \"\\UFFFFFFFF\"",
        "a: \"\\U00110000\"",
        "a: \"\\uD800",
        "a: \"\\x\"",
        "a: %",
        "%YAML 9.9\n---\na: 1",
        "%YAML x\n---\na: 1",
        "%TAG ! !\n%TAG ! !\n--- {}",
        "a: !<",
        "a: !<%>  x",
        "a: \u0001",
        "a: |9999999999999\n b",
        "a: >-+\n b",
        "? a: b: c",
        "\ufeff\ufeff"
      })
  void invalidYamlIsAnErrorOfTheCaller(String yaml) {
    Refusal refusal = assertThrows(Refusal.class, () -> read(yaml));
    assertEquals(400, refusal.problem().status().code());
  }

  @Test
  void randomBytesAreParsedOrRejected() {
    Random random = new Random(SEED);
    for (int i = 0; i < TEXTS; i++) {
      String yaml = "a: " + text(random) + text(random) + text(random);
      try {
        var unused = read(yaml);
      } catch (Refusal refused) {
        assertEquals(400, refused.problem().status().code());
      }
    }
  }

  @Test
  void aNumberOfManyDigitsIsRejected() {
    assertThrows(Refusal.class, () -> read("a: " + "1".repeat(1001)));
    assertEquals(Map.of("a", "1".repeat(1001)), read("a: '" + "1".repeat(1001) + "'"));
  }
}
