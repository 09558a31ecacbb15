package io.taskrunner.store.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.store.redis.record.TaskCodec;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Field;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * {@code lua/lib/record.lua} is the table of the record: its own constants and Java's follow it.
 */
class RecordTest {

  private static final Pattern ROW =
      Pattern.compile("-- +([0-9]+) +([0-9]*) +([a-z_]+)(?:[:,].*)?");

  /** Texts, and values that can be compared but are not numbers. */
  private static final Map<String, String> TEXTS = Map.of("state", "c1", "worker", "c8");

  private record Row(String field, int offset, int bytes) {}

  private static String lua(String name) throws IOException {
    try (InputStream in = RecordTest.class.getResourceAsStream("/lua/lib/" + name + ".lua")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static List<Row> table() throws IOException {
    List<Row> rows = new ArrayList<>();
    for (String line : lua("record").lines().toList()) {
      Matcher row = ROW.matcher(line);
      if (line.startsWith("-- The bytes from")) {
        return rows;
      }
      if (row.matches()) {
        String bytes = row.group(2);
        rows.add(
            new Row(
                row.group(3),
                Integer.parseInt(row.group(1)),
                bytes.isEmpty() ? 0 : Integer.parseInt(bytes)));
      }
    }
    return rows;
  }

  private static String format(List<Row> rows) {
    StringBuilder format = new StringBuilder(">");
    for (Row row : rows) {
      String number = row.bytes() == 1 ? "B" : "I" + row.bytes();
      format.append(TEXTS.getOrDefault(row.field(), number));
    }
    return format.toString();
  }

  private static String constant(String lua, String name) {
    Matcher one = Pattern.compile("local " + name + " = '([^']*)'").matcher(lua);
    assertTrue(one.find(), name);
    return one.group(1);
  }

  /** The offsets that {@code AT} holds, by field. */
  private static Map<String, Integer> offsets(String lua) {
    Matcher table = Pattern.compile("local AT = \\{ (.*) \\}").matcher(lua);
    assertTrue(table.find());
    Map<String, Integer> offsets = new LinkedHashMap<>();
    for (String entry : table.group(1).split(", ", -1)) {
      String[] parts = entry.split(" = ", -1);
      offsets.put(parts[0], Integer.valueOf(parts[1]));
    }
    return offsets;
  }

  @Test
  void everyFieldStartsWhereThePreviousEnds() throws IOException {
    int at = 0;
    for (Row row : table()) {
      assertEquals(at, row.offset(), row.field());
      at += row.bytes();
    }
    assertEquals("owner", table().getLast().field());
  }

  @Test
  void theFormatsOfTheScriptsFollowTheTable() throws IOException {
    List<Row> fixed = table().subList(0, table().size() - 1);
    assertEquals(format(fixed), constant(lua("record"), "FIXED"));
    List<Row> changed =
        fixed.stream().filter(row -> row.offset() >= 1 && row.offset() < 52).toList();
    assertEquals(format(changed), constant(lua("task"), "HEAD"));
    List<Row> fresh = fixed.stream().filter(row -> row.offset() < TaskCodec.TAIL).toList();
    assertTrue(lua("place").contains("'" + format(fresh) + "'"), format(fresh));
  }

  @Test
  void theOffsetsOfTheScriptsFollowTheTable() throws IOException {
    Map<String, Integer> expected = new LinkedHashMap<>();
    table().forEach(row -> expected.put(row.field(), row.offset()));
    offsets(lua("record"))
        .forEach((field, offset) -> assertEquals(expected.get(field), offset, field));
  }

  @Test
  void theOffsetsOfTheCodecFollowTheTable() throws ReflectiveOperationException, IOException {
    Map<String, String> names = new LinkedHashMap<>();
    names.put("HEAD_STATE", "state");
    names.put("HEAD_ERROR", "error");
    names.put("HEAD_STATUS", "status");
    names.put("HEAD_ATTEMPTS", "attempts");
    names.put("HEAD_ANSWERS", "answers");
    names.put("HEAD_CLAIM", "claim");
    names.put("HEAD_DUE", "due");
    names.put("HEAD_FIRST", "first");
    names.put("HEAD_ENDED", "ended");
    names.put("HEAD_QUEUE", "queue");
    names.put("CREATED", "created");
    names.put("TAIL", "retention");
    for (Map.Entry<String, String> name : names.entrySet()) {
      Row row =
          table().stream()
              .filter(one -> one.field().equals(name.getValue()))
              .findFirst()
              .orElse(null);
      assertNotNull(row, name.getValue());
      Field field = TaskCodec.class.getDeclaredField(name.getKey());
      field.setAccessible(true);
      assertEquals(row.offset(), field.getInt(null), name.getKey());
    }
  }
}
