package io.taskrunner.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Errors in a document are found in its file. */
class FileLinesTest {

  private static final String YAML =
      """
      # queues
      queues:
        mail:
          weight: 5
        "a/b": {weight: 6}

      clients:
        shop:
          allowed_queues:
            - mail
            - nope
      """;

  @ParameterizedTest
  @CsvSource({
    "/queues, 2",
    "/queues/mail, 3",
    "/queues/mail/weight, 4",
    "/queues/a~1b/weight, 5",
    "/clients/shop/allowed_queues/1, 11",
    "/clients/shop/tier, 8",
    "/nothing, 0"
  })
  void aPointerHasTheLineOfItsValue(String pointer, int line) {
    assertEquals(line, new FileLines(YAML).of(pointer));
  }

  @ParameterizedTest
  @CsvSource({"/queues/mail/weight, 3", "/queues, 2"})
  void jsonHasLinesToo(String pointer, int line) {
    String json = "{\n\"queues\": {\"mail\": {\n\"weight\": 0}}}";
    assertEquals(line, new FileLines(json).of(pointer));
  }

  @ParameterizedTest
  @CsvSource({"''", "/queues"})
  void aMalformedTextHasNone(String pointer) {
    assertEquals(0, new FileLines("queues: [").of(pointer));
  }
}
