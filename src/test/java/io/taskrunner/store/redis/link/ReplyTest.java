package io.taskrunner.store.redis.link;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ReplyTest {

  enum Word {
    WENT,
    NO_QUEUE
  }

  private static Reply reply(Object answer) {
    return new Reply(Script.BULK, answer);
  }

  private static byte[] bytes(String text) {
    return Keys.bytes(text);
  }

  private static String fault(Runnable read) {
    return String.valueOf(assertThrows(IllegalStateException.class, read::run).getMessage());
  }

  @Test
  void readsValuesFromLeftToRight() {
    Reply reply =
        reply(
            List.of(
                bytes("no_queue"),
                3L,
                List.of(bytes("a"), 1L, bytes("b"), 2L),
                bytes("1"),
                bytes("x"),
                bytes("y")));
    assertEquals(Word.NO_QUEUE, reply.word(Word.class));
    assertEquals(3, reply.number());
    assertEquals(List.of("a1", "b2"), reply.list(row -> row.text() + row.number()));
    assertTrue(reply.flag());
    assertEquals(List.of("x", "y"), reply.rest(Reply::text));
    assertFalse(reply.more());
  }

  @Test
  void readsAReplyThatIsNotAList() {
    assertEquals(Word.WENT, reply(bytes("went")).word(Word.class));
    assertEquals(7, reply(7L).number());
  }

  @Test
  void readsAnythingButAWordAsEmpty() {
    Reply reply = reply(bytes("r"));
    assertEquals(Optional.empty(), reply.ifWord(Word.class));
    assertEquals("r", reply.text());
  }

  @Test
  void rejectsAnUnknownWord() {
    assertEquals(
        "bulk: \"foo\" (expected: went, no_queue)",
        fault(() -> reply(bytes("foo")).word(Word.class)));
  }

  @Test
  void rejectsAValueOfAnotherType() {
    assertEquals("bulk: \"3\" (expected: bytes)", fault(() -> reply(3L).bytes()));
    assertEquals("bulk: \"x\" (expected: a number)", fault(() -> reply(bytes("x")).number()));
    assertEquals("bulk: \"2\" (expected: 0 or 1)", fault(() -> reply(bytes("2")).flag()));
    assertEquals("bulk: \"x\" (expected: a list)", fault(() -> reply(bytes("x")).apart()));
    assertEquals("bulk: \"nothing\" (expected: a number)", fault(() -> reply(List.of()).number()));
  }
}
