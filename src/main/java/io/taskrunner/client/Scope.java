package io.taskrunner.client;

import java.util.Collection;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** A permission of a client's key. */
public enum Scope {
  /** Creating tasks. */
  ENQUEUE,
  /** Reading. */
  READ,
  /** Changing existing tasks: run, retry, cancel. */
  OPERATE;

  /** All scopes: the default of a key. */
  public static final Set<Scope> ALL = Set.of(values());

  /** Its name in the API. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The scope with a name in the API. */
  public static Optional<Scope> ofWord(String word) {
    for (Scope scope : values()) {
      if (scope.word().equals(word)) {
        return Optional.of(scope);
      }
    }
    return Optional.empty();
  }

  /** Scopes in the store: the first letter of each. */
  public static String letters(Collection<Scope> scopes) {
    return ordered(scopes).stream()
        .map(scope -> scope.word().substring(0, 1))
        .collect(Collectors.joining());
  }

  /** The scopes of {@link #letters}; unknown ones of a newer version are left out. */
  public static Set<Scope> ofLetters(String letters) {
    Set<Scope> scopes = EnumSet.noneOf(Scope.class);
    for (Scope scope : values()) {
      if (letters.indexOf(scope.word().charAt(0)) >= 0) {
        scopes.add(scope);
      }
    }
    return Set.copyOf(scopes);
  }

  /** Scopes in display order. */
  public static Set<Scope> ordered(Collection<Scope> scopes) {
    Set<Scope> ordered = EnumSet.noneOf(Scope.class);
    ordered.addAll(scopes);
    return ordered;
  }
}
