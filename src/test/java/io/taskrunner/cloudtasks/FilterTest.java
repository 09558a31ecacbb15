package io.taskrunner.cloudtasks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import com.google.cloud.tasks.v2.Queue.State;
import com.google.rpc.Code;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The accepted filters of a list of queues, and that parsing any filter is quick. */
class FilterTest {

  private static List<State> passing(String filter) {
    return Stream.of(State.RUNNING, State.PAUSED, State.DISABLED)
        .filter(Filter.parse(filter))
        .toList();
  }

  @Test
  void comparisonsOfTheStateAreRead() {
    assertEquals(3, passing(" ").size());
    assertEquals(List.of(State.PAUSED), passing("state=PAUSED"));
    assertEquals(List.of(State.PAUSED), passing(" ( state : \"PAUSED\" ) "));
    assertEquals(List.of(State.RUNNING, State.DISABLED), passing("state != PAUSED"));
    assertEquals(List.of(State.RUNNING), passing("state!=PAUSED AND state != \"DISABLED\""));
    assertEquals(List.of(), passing("state:PAUSED AND (state:RUNNING)"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "state",
        "state=",
        "state=paused",
        "state=NEVER",
        "name=x",
        "state=PAUSED OR state=RUNNING",
        "state=PAUSED AND",
        "(state=PAUSED",
        "state=\"PAUSED",
        "state=PAUSED)",
        "state=UNRECOGNIZED",
        "AND state=PAUSED"
      })
  void anythingElseIsRejectedAndNotIgnored(String filter) {
    Failure failure = assertThrows(Failure.class, () -> Filter.parse(filter));
    assertEquals(Code.INVALID_ARGUMENT, failure.code());
  }

  @ParameterizedTest
  @ValueSource(strings = {" ", "(", "state ", "AND ", "\""})
  void aLongFilterIsRejectedImmediately(String repeated) {
    for (int length : List.of(1000, 4_000_000)) {
      String filter = repeated.repeat(length / repeated.length()) + "x";
      assertTimeoutPreemptively(
          Duration.ofSeconds(10), () -> assertThrows(Failure.class, () -> Filter.parse(filter)));
    }
  }
}
