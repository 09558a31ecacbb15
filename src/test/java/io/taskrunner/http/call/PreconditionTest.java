package io.taskrunner.http.call;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.RequestHeaders;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How {@code If-Match} is read. */
class PreconditionTest {

  private final Faults faults = new Faults();

  private Precondition read(String ifMatch) {
    return Precondition.of(
        RequestHeaders.builder(HttpMethod.PUT, "/").set("if-match", ifMatch).build(), faults);
  }

  @Test
  void strongTagsAreParsedAndWeakOnesMatchNothing() {
    assertEquals(List.of("\"a\"", "\"b\""), read(" \"a\" , W/\"c\",\"b\"").match());
    assertTrue(read("*").matchAny());
    assertTrue(faults.isEmpty());
  }

  @ParameterizedTest
  @ValueSource(strings = {"a", "\"a", "\"a\" \"b\"", "w/\"a\"", "\"a\", b"})
  void anythingElseIsAnError(String ifMatch) {
    read(ifMatch);
    assertFalse(faults.isEmpty());
  }

  @ParameterizedTest
  @ValueSource(strings = {" ", "\"", "W/", "W/ "})
  void aLongHeaderIsParsedInLinearTime(String repeated) {
    assertTimeoutPreemptively(
        Duration.ofSeconds(10), () -> read("x" + repeated.repeat(1_000_000) + "x"));
    assertFalse(faults.isEmpty());
  }
}
