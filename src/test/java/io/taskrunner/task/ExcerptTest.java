package io.taskrunner.task;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ExcerptTest {

  private static String of(String body) {
    return Excerpt.of(body.getBytes(UTF_8), 1024);
  }

  @Test
  void textIsKeptAsItIs() {
    String trace = "Traceback:\n\tFile \"a.py\", line 1\r\nKeyError: 'customer_id' \u001b[31mé€😀";
    assertEquals(trace, of(trace));
    assertEquals("", of(""));
    assertEquals(
        "{\"error\": \"no such customer\", \"id\": 17}",
        of("{\"error\": \"no such customer\", \"id\": 17}"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          {"token":"s3cr3t","a":1}                  | {"token":"***","a":1}
          {"a":{"apiKey" : "s3cr3t"},"b":"c"}       | {"a":{"apiKey" : "***"},"b":"c"}
          {"Password":12345}                        | {"Password":"***"}
          {"secret":true,"key":null}                | {"secret":"***","key":"***"}
          {"auth":{"user":"u","pass":["s","}"]},"b":1} | {"auth":"***","b":1}
          {"auth":[{"a":"s"},["s"]],"b":1}          | {"auth":"***","b":1}
          {"tok\\u0065n":"s3cr3t"}                   | {"tok\\u0065n":"***"}
          {"token":"a\\"s3cr3t","b":1}               | {"token":"***","b":1}
          {"a":"b \\" token","b":1}                  | {"a":"b \\" token","b":1}
          {"token":"s3cr3                           | {"token":"***"
          {"token":                                 | {"token":
          {"auth":{"s":"s3cr3                       | {"auth":"***"
          failed "here": {"token": "s3cr3t"}        | failed "here": {"token": "***"}
          He said "no": "token" is missing          | He said "no": "token" is missing
          one " only, then {"a":"b","token":"s3"}   | one " only, then {"a":"b","token":"***"}
          """)
  void membersThatLookLikeSecretsAreMasked(String body, String kept) {
    assertEquals(kept, of(body));
  }

  @Test
  void aCharacterIsNeverCut() {
    byte[] utf8 = "aé€😀".getBytes(UTF_8);
    String[] kept = {"", "a", "a", "aé", "aé", "aé", "aé€", "aé€", "aé€", "aé€", "aé€😀"};
    for (int most = 0; most <= utf8.length; most++) {
      assertEquals(kept[most], Excerpt.of(utf8, most), "at most " + most);
      byte[] beginning = java.util.Arrays.copyOf(utf8, most);
      assertEquals(kept[most], Excerpt.of(beginning, 1024), "of " + most);
    }
  }

  @Test
  void anExcerptIsNeverLongerThanItsLimit() {
    assertEquals("{\"key\":\"*", Excerpt.of("{\"key\":1}".getBytes(UTF_8), 9));
    byte[] latin = "für für für für für für für".getBytes(ISO_8859_1);
    assertTrue(Excerpt.of(latin, 20).getBytes(UTF_8).length <= 20);
  }

  @Test
  void malformedCharactersAreReplacedAndBinaryBodiesNotKept() {
    assertEquals(
        "Zugriff verweigert f\uFFFDr Kunde",
        Excerpt.of("Zugriff verweigert für Kunde".getBytes(ISO_8859_1), 99));
    assertEquals(Excerpt.BINARY, of("a\0b"));
    assertEquals(
        Excerpt.BINARY, Excerpt.of(new byte[] {(byte) 0x89, 'P', 'N', 'G', 13, 10, 26}, 99));
  }

  @Test
  void anyBytesGiveValidTextWithinTheLimit() {
    Random random = new Random(18);
    String alphabet = "{}[]\",:\\ tokenkey*\n\u00e9";
    for (int i = 0; i < 20_000; i++) {
      byte[] body = new byte[random.nextInt(60)];
      random.nextBytes(body);
      if (i % 2 == 0) {
        StringBuilder text = new StringBuilder();
        for (int at = 0; at < body.length; at++) {
          text.append(alphabet.charAt(random.nextInt(alphabet.length())));
        }
        body = text.toString().getBytes(UTF_8);
      }
      int most = random.nextInt(40);
      String kept = Excerpt.of(body, Math.max(most, Excerpt.BINARY.length()));
      byte[] bytes = kept.getBytes(UTF_8);
      assertEquals(kept, new String(bytes, UTF_8));
      assertTrue(bytes.length <= Math.max(most, Excerpt.BINARY.length()), kept);
      assertTrue(kept.indexOf('\0') < 0, kept);
    }
  }
}
