package io.taskrunner.store.redis.record;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.task.TaskId;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The generated names of tasks. */
class TaskNumberTest {

  private final Random random = new Random(3);

  @Test
  void anIdIsParsedFromItsNumber() {
    for (int i = 0; i < 20_000; i++) {
      int shard = random.nextInt(1 << 14);
      TaskId id = TaskId.make(random.nextLong(1L << 48), random.nextInt(4096), random, shard);
      String name = TaskNumber.of(id);
      assertTrue(name.matches("[0-9]{33}"), name);
      assertEquals(Optional.of(id), TaskNumber.parse(name, shard));
    }
    for (long bits : new long[] {0, 0x3FFF_FFFF_FFFF_C000L}) {
      for (long ms : new long[] {0, (1L << 48) - 1}) {
        TaskId id = new TaskId(ms << 16 | 0x7FFFL, Long.MIN_VALUE | bits);
        assertEquals(Optional.of(id), TaskNumber.parse(TaskNumber.of(id), 0));
      }
    }
  }

  @Test
  void idsOfTheSameTimeAreNotSimilar() {
    List<String> names = new ArrayList<>();
    for (int i = 0; i < 1000; i++) {
      names.add(TaskNumber.of(TaskId.make(1_700_000_000_000L, i, random, 0)));
    }
    assertEquals(1000, names.stream().map(name -> name.substring(0, 12)).distinct().count());
    // The halves derived from the time differ as random ones do, in about nine digits of ten.
    double same = 0;
    for (int i = 1; i < names.size(); i++) {
      for (int digit = 16; digit < 33; digit++) {
        same += names.get(i).charAt(digit) == names.get(i - 1).charAt(digit) ? 1 : 0;
      }
    }
    assertEquals(0.1, same / (999 * 17), 0.02);
  }

  @Test
  void otherNamesAreNotNumbers() {
    for (String name :
        List.of("", "1", "a".repeat(33), "1".repeat(32), "1".repeat(34), "٣".repeat(33))) {
      assertEquals(Optional.empty(), TaskNumber.parse(name, 0), name);
    }
    assertEquals(Optional.empty(), TaskNumber.parse("9".repeat(33), 0), "beyond 108 bits");
  }
}
