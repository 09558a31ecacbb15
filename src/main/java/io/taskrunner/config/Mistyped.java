package io.taskrunner.config;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiPredicate;
import java.util.stream.Stream;

/** Finds variables that look like a misspelled setting and have no effect. */
public final class Mistyped {

  /** Shorter names are too similar to variables of other programs. */
  private static final int LENGTH_MIN = 8;

  private static final int DISTANCE_MAX = 2;

  private Mistyped() {}

  /** A sentence for each variable that is probably misspelled. */
  static List<String> warnings(List<String> given, List<Setting> settings) {
    List<String> known = new ArrayList<>();
    Set<String> families = new HashSet<>();
    for (Setting setting : settings) {
      if (setting.name().endsWith("*")) {
        families.add(setting.name().substring(0, setting.name().length() - 1));
      } else {
        known.add(setting.name());
        if (setting.secret()) {
          known.add(setting.name() + "_FILE");
        }
      }
    }
    List<String> warnings = new ArrayList<>();
    for (String name : given) {
      if (name.length() >= LENGTH_MIN
          && !known.contains(name)
          && families.stream().noneMatch(name::startsWith)) {
        Stream.<BiPredicate<String, String>>of(
                (one, other) -> distance(one, other) <= DISTANCE_MAX, Mistyped::lacksAWord)
            .flatMap(similar -> known.stream().filter(setting -> similar.test(name, setting)))
            .filter(setting -> setting.length() >= LENGTH_MIN)
            .findFirst()
            .ifPresent(setting ->
                warnings.add(
                    name + " is not a setting and has no effect. Did you mean " + setting + "?"));
      }
    }
    return warnings;
  }

  /** Whether a setting has one more word, after the same first word: ADMIN_KEY, ADMIN_API_KEY. */
  private static boolean lacksAWord(String name, String setting) {
    List<String> words = List.of(setting.split("_", -1));
    for (int i = 1; i < words.size(); i++) {
      List<String> others = new ArrayList<>(words);
      others.remove(i);
      if (others.size() > 1 && name.equals(String.join("_", others))) {
        return true;
      }
    }
    return false;
  }

  /** The name that was probably meant; empty if none is similar. */
  public static Optional<String> closest(String word, Collection<String> names) {
    return names.stream()
        .filter(name -> distance(word, name) <= Math.min(DISTANCE_MAX, name.length() / 2))
        .min(Comparator.comparingInt(name -> distance(word, name)));
  }

  /** Edit distance: letters to insert, delete or replace to turn one name into the other. */
  static int distance(String one, String other) {
    if (Math.abs(one.length() - other.length()) > DISTANCE_MAX) {
      return DISTANCE_MAX + 1;
    }
    int[] before = new int[other.length() + 1];
    for (int j = 0; j < before.length; j++) {
      before[j] = j;
    }
    for (int i = 1; i <= one.length(); i++) {
      int[] now = new int[before.length];
      now[0] = i;
      for (int j = 1; j < now.length; j++) {
        int changed = before[j - 1] + (one.charAt(i - 1) == other.charAt(j - 1) ? 0 : 1);
        now[j] = Math.min(changed, 1 + Math.min(before[j], now[j - 1]));
      }
      before = now;
    }
    return before[other.length()];
  }
}
