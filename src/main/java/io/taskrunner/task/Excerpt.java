package io.taskrunner.task;

import java.nio.charset.StandardCharsets;

/**
 * The beginning of the body of a failed response, as it is kept: valid Unicode without NUL, in
 * which the values of JSON members are masked if their names look like secrets.
 *
 * <p>A body is cut anywhere, so it is not parsed: each quoted text with a colon behind it counts as
 * a name, wherever it is. Thus JSON is found in the middle of other text too.
 */
public final class Excerpt {

  /** Kept in place of a body that is not text. */
  public static final String BINARY = "(binary)";

  /** One in this many characters of a text may be malformed, or a control character. */
  private static final int ODD_SHARE = 8;

  private final String text;
  private final StringBuilder out = new StringBuilder();
  private int at;

  private Excerpt(String text) {
    this.text = text;
  }

  /**
   * The text to keep.
   *
   * @param body the first bytes of a body, in UTF-8; the last character may be cut
   * @param most the longest result, in bytes
   */
  public static String of(byte[] body, int most) {
    String text = new String(body, 0, wholeCharacters(body, body.length), StandardCharsets.UTF_8);
    if (isBinary(text)) {
      return BINARY;
    }
    byte[] masked = new Excerpt(text).masked().getBytes(StandardCharsets.UTF_8);
    int length = masked.length <= most ? masked.length : wholeCharacters(masked, most);
    return new String(masked, 0, length, StandardCharsets.UTF_8);
  }

  /** The length of the longest beginning, up to a length, that ends with a whole character. */
  private static int wholeCharacters(byte[] utf8, int length) {
    for (int start = length - 1; start >= Math.max(0, length - 4); start--) {
      int lead = utf8[start] & 0xFF;
      if (lead < 0x80 || lead >= 0xC0) {
        int size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
        return start + size > length ? start : length;
      }
    }
    return length;
  }

  private static boolean isBinary(String text) {
    int odd = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == 0) {
        return true;
      }
      if (c == '\uFFFD' || (c < ' ' && c != '\t' && c != '\n' && c != '\r')) {
        odd++;
      }
    }
    return odd * ODD_SHARE > text.length();
  }

  private String masked() {
    int copied = 0;
    while (at < text.length()) {
      if (text.charAt(at) != '"') {
        at++;
        continue;
      }
      int start = at + 1;
      int end = endOfText();
      int value = behindSpace(end + 1);
      if (value >= text.length() || text.charAt(value) != ':') {
        // Not a name: its closing quote may be the opening one of a name in a text that is not
        // JSON.
        at = Math.max(end, start);
        continue;
      }
      at = behindSpace(value + 1);
      if (at < text.length() && SecretNames.hides(unescaped(text.substring(start, end)))) {
        out.append(text, copied, at).append('"').append(SecretNames.MASK).append('"');
        skipValue();
        copied = at;
      }
    }
    return out.append(text, Math.min(copied, text.length()), text.length()).toString();
  }

  /**
   * The index of the quote that ends the text whose opening quote is here; the end if none does.
   */
  private int endOfText() {
    for (int i = at + 1; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"') {
        return i;
      }
      if (c == '\\') {
        i++;
      }
    }
    return text.length();
  }

  private int behindSpace(int from) {
    int i = from;
    while (i < text.length() && " \t\r\n".indexOf(text.charAt(i)) >= 0) {
      i++;
    }
    return i;
  }

  /** Moves behind a value: a text, an object or array with all that is in it, or a word. */
  private void skipValue() {
    int depth = 0;
    do {
      char c = text.charAt(at);
      if (c == '"') {
        at = endOfText() + 1;
      } else if (c == '{' || c == '[') {
        depth++;
        at++;
      } else if (c == '}' || c == ']') {
        depth--;
        at++;
      } else if (depth > 0) {
        at++;
      } else {
        while (at < text.length() && ",}] \t\r\n".indexOf(text.charAt(at)) < 0) {
          at++;
        }
      }
    } while (depth > 0 && at < text.length());
    at = Math.min(at, text.length());
  }

  /** A name with its escapes resolved, as far as they are valid. */
  private static String unescaped(String name) {
    if (name.indexOf('\\') < 0) {
      return name;
    }
    StringBuilder plain = new StringBuilder(name.length());
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      if (c == '\\' && name.startsWith("u", i + 1) && i + 6 <= name.length()) {
        String digits = name.substring(i + 2, i + 6);
        if (digits.chars().allMatch(digit -> Character.digit(digit, 16) >= 0)) {
          plain.append((char) Integer.parseInt(digits, 16));
          i += 5;
          continue;
        }
      }
      if (c != '\\') {
        plain.append(c);
      }
    }
    return plain.toString();
  }
}
