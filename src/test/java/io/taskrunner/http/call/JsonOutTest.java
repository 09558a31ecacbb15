package io.taskrunner.http.call;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.taskrunner.http.call.JsonOut.Members;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class JsonOutTest {

  /** Objects in objects, null and empty at each depth, before and behind values. */
  private static final Members MANY =
      out -> {
        out.object("empty", _ -> {});
        out.object(
            "outer",
            outer -> {
              outer.text("nothing", null);
              outer.object("empty", inner -> inner.number("nothing", (Long) null));
              outer.object("full", inner -> inner.number("one", 1));
              outer.object("empty_too", inner -> inner.object("deeper", _ -> {}));
              outer.flag("yes", true);
            });
        out.texts("no_list", null);
        out.array("items", items -> items.item(item -> item.text("nothing", null)));
        out.object("last", last -> last.object("inner", inner -> inner.flag("no", null)));
      };

  private static String json(Members members) {
    return new String(JsonOut.object(members), StandardCharsets.UTF_8);
  }

  @Test
  void nullAndEmptyObjectsCanBeOmitted() {
    assertEquals(
        "{\"outer\":{\"full\":{\"one\":1},\"yes\":true},\"items\":[{}]}",
        json(JsonOut.withoutNulls(MANY)));
  }

  @Test
  void nullAndEmptyObjectsAreWrittenByDefault() {
    assertEquals(
        "{\"empty\":{},\"outer\":{\"nothing\":null,\"empty\":{\"nothing\":null},"
            + "\"full\":{\"one\":1},\"empty_too\":{\"deeper\":{}},\"yes\":true},"
            + "\"no_list\":null,\"items\":[{\"nothing\":null}],"
            + "\"last\":{\"inner\":{\"no\":null}}}",
        json(MANY));
  }

  @Test
  void aNestedObjectCanOmitNull() {
    Members half = out -> out.object("retry", JsonOut.withoutNulls(to -> to.text("x", null)));
    assertEquals("{\"retry\":{}}", json(half));
    assertEquals("{}", json(JsonOut.withoutNulls(half)));
    Members set =
        out -> out.object("retry", JsonOut.withoutNulls(to -> to.texts("x", List.of("y"))));
    assertEquals("{\"retry\":{\"x\":[\"y\"]}}", json(JsonOut.withoutNulls(set)));
  }
}
