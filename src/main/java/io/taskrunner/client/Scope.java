package io.taskrunner.client;

import java.util.Collection;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** What a client's key opens. */
public enum Scope {
  /** Giving tasks. */
  ENQUEUE,
  /** Looking. */
  READ,
  /** Changing what is there: run, retry, cancel. */
  OPERATE;

  /** What a key opens that nobody narrowed. */
  public static final Set<Scope> ALL = Set.of(values());

  /** How callers name it. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The scope that callers name so. */
  public static Optional<Scope> ofWord(String word) {
    for (Scope scope : values()) {
      if (scope.word().equals(word)) {
        return Optional.of(scope);
      }
    }
    return Optional.empty();
  }

  /** Scopes as the store keeps them: the first letter of each. */
  public static String letters(Collection<Scope> scopes) {
    return ordered(scopes).stream()
        .map(scope -> scope.word().substring(0, 1))
        .collect(Collectors.joining());
  }

  /** The scopes of {@link #letters}; one that a newer version knows is left out. */
  public static Set<Scope> ofLetters(String letters) {
    Set<Scope> scopes = EnumSet.noneOf(Scope.class);
    for (Scope scope : values()) {
      if (letters.indexOf(scope.word().charAt(0)) >= 0) {
        scopes.add(scope);
      }
    }
    return Set.copyOf(scopes);
  }

  /** Scopes in the order in which they are shown. */
  public static Set<Scope> ordered(Collection<Scope> scopes) {
    Set<Scope> ordered = EnumSet.noneOf(Scope.class);
    ordered.addAll(scopes);
    return ordered;
  }
}
