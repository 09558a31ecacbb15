package io.taskrunner.http.call;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TimesTest {

  @Test
  void timesOfRfc3339AreParsed() {
    Instant noon = Instant.parse("2026-01-31T12:00:00Z");
    for (String text :
        List.of(
            "2026-01-31T12:00:00Z",
            "2026-01-31t12:00:00z",
            "2026-01-31T12:00:00.000000000Z",
            "2026-01-31T13:30:00+01:30",
            "2026-01-31T11:00:00-01:00",
            "2026-02-01T11:59:00+23:59",
            "2026-01-31T12:00:00-00:00")) {
      assertEquals(Optional.of(noon), Times.parse(text), text);
    }
    assertEquals(Optional.of(noon.plusMillis(250)), Times.parse("2026-01-31T12:00:00.25Z"));
  }

  @Test
  void invalidTimesAreRejected() {
    for (String text :
        List.of(
            "",
            "now",
            "2026-01-31",
            "2026-01-31T12:00Z",
            "2026-01-31 12:00:00Z",
            "2026-01-31T12:00:00",
            "2026-02-30T12:00:00Z",
            "2026-13-01T12:00:00Z",
            "2026-01-31T24:00:00Z",
            "2026-01-31T12:60:00Z",
            "2026-01-31T12:00:61Z",
            "2026-01-31T12:00:00.Z",
            "2026-01-31T12:00:00+0100",
            "2026-01-31T12:00:00+24:00",
            "26-01-31T12:00:00Z",
            "2026-01-31T12:00:00.0000000001Z",
            "+2026-01-31T12:00:00Z",
            "1769860800")) {
      assertTrue(Times.parse(text).isEmpty(), text);
    }
  }

  @Test
  void timesAreWrittenWithMilliseconds() {
    assertEquals("2026-01-31T12:00:00.000Z", Times.text(Instant.parse("2026-01-31T12:00:00Z")));
    assertEquals("1969-12-31T23:59:59.999Z", Times.text(Instant.ofEpochMilli(-1)));
    Random random = new Random(7);
    for (int i = 0; i < 1000; i++) {
      Instant time = Instant.ofEpochMilli(random.nextLong(253_402_300_800_000L));
      assertEquals(Optional.of(time.truncatedTo(ChronoUnit.MILLIS)), Times.parse(Times.text(time)));
    }
  }
}
