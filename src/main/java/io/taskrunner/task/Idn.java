package io.taskrunner.task;

import java.text.Normalizer;
import java.util.Locale;
import java.util.Optional;
import java.util.function.IntPredicate;

/**
 * Internationalised names in their ASCII form ({@code xn--…}), by UTS 46 without its transitional
 * processing, as browsers do it. Only letters, marks and digits are accepted: the JDK has no table
 * of UTS 46's rules for symbols, and such names must be given in their ASCII form.
 */
final class Idn {

  private static final String PREFIX = "xn--";

  private Idn() {}

  /**
   * The ASCII form of a name.
   *
   * @param host in lower case where it is ASCII
   * @return empty when a character is not accepted, or a label is invalid
   */
  static Optional<String> toAscii(String host) {
    StringBuilder mapped = new StringBuilder(host.length() + 8);
    if (!host.codePoints().allMatch(point -> map(point, mapped))) {
      return Optional.empty();
    }
    StringBuilder ascii = new StringBuilder(host.length() + 16);
    for (String label : Normalizer.normalize(mapped, Normalizer.Form.NFC).split("\\.", -1)) {
      if (label.chars().allMatch(c -> c < 0x80)) {
        ascii.append(label);
      } else if (isLabel(label)) {
        ascii.append(PREFIX);
        punycode(label, ascii);
      } else {
        return Optional.empty();
      }
      ascii.append('.');
    }
    ascii.setLength(ascii.length() - 1);
    return Optional.of(ascii.toString());
  }

  /** Appends the mapping of a character; false when it is not accepted. */
  private static boolean map(int point, StringBuilder to) {
    if (point < 0x80) {
      to.append((char) point);
      return true;
    }
    if (point == 0x3002 || point == 0xFF0E || point == 0xFF61) { // full stops
      to.append('.');
      return true;
    }
    if (isIgnored(point)) {
      return true;
    }
    String form = compatible(fold(compatible(Character.toString(point))));
    IntPredicate taken = c -> c < 0x80 ? isAsciiOfNames(c) : isLetterMarkOrDigit(c);
    boolean finalSigma = point != 'ς' && form.indexOf('ς') >= 0; // not the result of UTS 46
    if (form.isEmpty() || finalSigma || !form.codePoints().allMatch(taken)) {
      return false;
    }
    to.append(form);
    return true;
  }

  private static String compatible(String text) {
    return Normalizer.normalize(text, Normalizer.Form.NFKC);
  }

  /** Case folding, which keeps the deviations of UTS 46 (ß, ς). */
  private static String fold(String text) {
    StringBuilder folded = new StringBuilder();
    text.codePoints()
        .forEach(point -> {
          String one = Character.toString(point);
          boolean kept = point == 'ß' || point == 'ς' || point == 'ı';
          folded.append(
              point == 'ẞ'
                  ? "ß"
                  : kept ? one : one.toUpperCase(Locale.ROOT).toLowerCase(Locale.ROOT));
        });
    return folded.toString();
  }

  /** Characters that UTS 46 removes: the soft hyphen, and variation selectors. */
  private static boolean isIgnored(int point) {
    return point == 0xAD
        || point == 0x200B
        || point == 0x2060
        || point == 0xFEFF
        || (point >= 0xFE00 && point <= 0xFE0F)
        || (point >= 0xE0100 && point <= 0xE01EF);
  }

  private static boolean isAsciiOfNames(int c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  }

  private static boolean isLetterMarkOrDigit(int point) {
    boolean known =
        Character.isLetter(point)
            || Character.getType(point) == Character.DECIMAL_DIGIT_NUMBER
            || isMark(point);
    return known && !isFoldedOtherwise(point);
  }

  /** Invisible fillers, and letters without case folding in the JDK. */
  private static boolean isFoldedOtherwise(int point) {
    return point == 0x34F
        || point == 0x3164
        || (point >= 0x115F && point <= 0x1160)
        || (point >= 0x17B4 && point <= 0x17B5)
        || (point >= 0x180B && point <= 0x180F)
        || (point >= 0x13A0 && point <= 0x13FF)
        || (point >= 0xAB70 && point <= 0xABBF);
  }

  private static boolean isMark(int point) {
    int type = Character.getType(point);
    return type == Character.NON_SPACING_MARK || type == Character.COMBINING_SPACING_MARK;
  }

  private static boolean isLabel(String label) {
    return !isMark(label.codePointAt(0))
        && !label.startsWith("-")
        && !label.endsWith("-")
        && !label.startsWith("--", 2);
  }

  /** RFC 3492 §6.3. */
  private static void punycode(String label, StringBuilder to) {
    int[] points = label.codePoints().toArray();
    int plain = 0;
    for (int point : points) {
      if (point < 0x80) {
        to.append((char) point);
        plain++;
      }
    }
    if (plain > 0) {
      to.append('-');
    }
    int next = 0x80;
    int delta = 0;
    int bias = 72;
    for (int done = plain; done < points.length; ) {
      int least = Integer.MAX_VALUE;
      for (int point : points) {
        if (point >= next && point < least) {
          least = point;
        }
      }
      delta += (least - next) * (done + 1);
      next = least;
      for (int point : points) {
        if (point < next) {
          delta++;
        } else if (point == next) {
          number(delta, bias, to);
          bias = bias(delta, done + 1, done == plain);
          delta = 0;
          done++;
        }
      }
      delta++;
      next++;
    }
  }

  private static void number(int value, int bias, StringBuilder to) {
    int rest = value;
    for (int k = 36; ; k += 36) {
      int threshold = Math.clamp(k - bias, 1, 26);
      if (rest < threshold) {
        to.append(digit(rest));
        return;
      }
      to.append(digit(threshold + (rest - threshold) % (36 - threshold)));
      rest = (rest - threshold) / (36 - threshold);
    }
  }

  private static char digit(int value) {
    return (char) (value < 26 ? 'a' + value : '0' + value - 26);
  }

  private static int bias(int delta, int points, boolean first) {
    int rest = delta / (first ? 700 : 2);
    rest += rest / points;
    int k = 0;
    for (; rest > 35 * 26 / 2; k += 36) {
      rest /= 35;
    }
    return k + 36 * rest / (rest + 38);
  }
}
