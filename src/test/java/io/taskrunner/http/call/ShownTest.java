package io.taskrunner.http.call;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Values of callers in sentences. */
class ShownTest {

  @Test
  void textsAreQuotedAndOtherValuesAreNot() {
    assertEquals("\"mail\"", Shown.of("mail"));
    assertEquals("\"\"", Shown.of(""));
    assertEquals("7", Shown.of(7L));
    assertEquals("true", Shown.of(true));
    assertEquals("nothing", Shown.of(null));
  }

  @Test
  void containersAreShownOnlyByTheirType() {
    assertEquals("an object", Shown.of(Map.of("secret", "x")));
    assertEquals("an array", Shown.of(List.of("secret")));
  }

  @Test
  void wholeNumbersHaveNoFraction() {
    assertEquals("3", Shown.of(3.0));
    assertEquals("-2", Shown.of(-2.0));
    assertEquals("0.5", Shown.of(0.5));
    assertEquals("1.0E15", Shown.of(1e15));
  }

  @Test
  void longTextsAreCutAtSixtyFourCharacters() {
    assertEquals("\"" + "x".repeat(64) + "\"", Shown.of("x".repeat(64)));
    assertEquals("\"" + "x".repeat(64) + "…\"", Shown.of("x".repeat(65)));
  }

  @Test
  void aCutNeverSplitsASurrogatePair() {
    String pair = "😀";
    assertEquals("\"" + "x".repeat(63) + "…\"", Shown.of("x".repeat(63) + pair + "y"));
    assertEquals("\"" + "x".repeat(62) + pair + "…\"", Shown.of("x".repeat(62) + pair + "y"));
  }
}
