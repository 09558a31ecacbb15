package io.taskrunner.http.call;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class JsonTest {

  private static Map<String, Object> read(String json) {
    return Json.object(json.getBytes(StandardCharsets.UTF_8), 10_000);
  }

  private static Fault fault(String json) {
    return fault(json.getBytes(StandardCharsets.UTF_8));
  }

  private static Fault fault(byte[] json) {
    return assertThrows(Refusal.class, () -> Json.object(json, 10_000))
        .problem()
        .errors()
        .getFirst();
  }

  @Test
  void valuesAreParsedByTheirType() {
    Map<String, Object> read =
        read(
            "{\"s\":\"é\",\"i\":1,\"l\":9999999999,\"b\":1e400,\"h\":123456789012345678901234567890,\"d\":0.5,\"t\":true,\"n\":null,\"a\":[{}]}");
    assertEquals("é", read.get("s"));
    assertEquals(1L, read.get("i"));
    assertEquals(9_999_999_999L, read.get("l"));
    assertEquals(Double.POSITIVE_INFINITY, read.get("b"));
    assertEquals(1.2345678901234568E29, read.get("h"));
    assertEquals(0.5, read.get("d"));
    assertEquals(true, read.get("t"));
    assertSame(Json.NULL, read.get("n"));
    assertEquals(List.of(Map.of()), read.get("a"));
  }

  @Test
  void malformedJsonIsReportedByItsPosition() {
    for (String json :
        List.of(
            "{",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "{'a':1}",
            "nope",
            "{\"a\":01}",
            "{\"a\":NaN}",
            "{\"a\":\"\n\"}",
            "{\"a\":\"\\x\"}",
            "{\"a\":1}}",
            "{\"a\":1} {")) {
      Fault fault = fault(json);
      assertEquals("", fault.at());
      assertTrue(
          fault
              .detail()
              .matches(
                  "the body: (malformed JSON near line \\d+, column \\d+|more than one JSON value)"),
          json + ": " + fault);
    }
  }

  @Test
  void duplicateKeysAreReportedWithTheirPointer() {
    assertEquals("/a", fault("{\"a\":1,\"a\":1}").at());
    assertEquals("/x/1/a~1b", fault("{\"x\":[0,{\"a/b\":1,\"a/b\":2}]}").at());
    assertEquals("/a", fault("{\"a\":null,\"a\":null}").at());
  }

  @Test
  void nestingIsBounded() {
    read("{\"a\":" + "[".repeat(63) + "]".repeat(63) + "}");
    Fault fault = fault("{\"a\":" + "[".repeat(64) + "]".repeat(64) + "}");
    assertEquals("the body: nested deeper than 64 levels", fault.detail());
    assertFalse(fault("{\"a\":" + "[".repeat(100_000)).detail().isEmpty());
  }

  @Test
  void nonObjectsAndTooManyValuesAreRejected() {
    assertEquals("the body: missing (expected: an object)", fault("").detail());
    assertEquals("the body: missing (expected: an object)", fault("  ").detail());
    assertEquals("the body: an array (expected: an object)", fault("[1]").detail());
    assertEquals("the body: \"x\" (expected: an object)", fault("\"x\"").detail());
    assertEquals("the body: null (expected: an object)", fault("null").detail());
    assertEquals(
        "the body: too many values", fault("{\"a\":[" + "1,".repeat(20_000) + "1]}").detail());
    assertTrue(
        fault(new byte[] {'{', '"', (byte) 0xC3, '"', ':', '1', '}'})
            .detail()
            .startsWith("the body: "));
    assertTrue(fault("{\"a\":" + "1".repeat(5000) + "}").detail().startsWith("the body: "));
  }
}
