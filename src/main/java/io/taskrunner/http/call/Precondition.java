package io.taskrunner.http.call;

import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.RequestHeaders;
import io.taskrunner.store.ChangedMeanwhile;
import io.taskrunner.store.Expected;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The precondition of a change: {@code If-Match} and {@code If-None-Match: *} of RFC 9110, section
 * 13. Without these headers there is none.
 *
 * @param match the tags of {@code If-Match}; null when it is absent
 * @param matchAny whether it is a star
 * @param absent whether the thing must not exist
 */
public record Precondition(@Nullable List<String> match, boolean matchAny, boolean absent) {

  private static final Pattern TAG =
      Pattern.compile("\\s*+(W/)?+(\"[\\x21\\x23-\\x7e\\x80-\\xff]*+\")\\s*+(?:,|$)");

  private static final String TAGS_FORM = "* or one or more ETags, each in quotes";

  /**
   * The current state of a thing.
   *
   * @param etag of its settings
   * @param revision by which the store detects changes
   */
  public record Current(String etag, long revision) {

    /**
     * Of a thing.
     *
     * @param settings all that can be set on it, written in one canonical way
     */
    public static Current of(long revision, byte[] settings) {
      return new Current(Precondition.etag(revision, settings), revision);
    }
  }

  /** A change, given its precondition. */
  @FunctionalInterface
  public interface Change<T> {
    /** Performs the change, if the precondition holds. */
    T make(Expected expected) throws ChangedMeanwhile;
  }

  /** A strong tag of something that has this revision and these settings. */
  public static String etag(long revision, byte[] settings) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update((revision + ":").getBytes(StandardCharsets.US_ASCII));
      String text = Base64.getUrlEncoder().withoutPadding().encodeToString(digest.digest(settings));
      return "\"" + text.substring(0, 22) + "\"";
    } catch (NoSuchAlgorithmException everyJdkHasIt) {
      throw new IllegalStateException(everyJdkHasIt);
    }
  }

  /** Reads the headers of a call; errors in them are collected. */
  public static Precondition of(RequestHeaders headers, Faults faults) {
    String match = joined(headers, HttpHeaderNames.IF_MATCH);
    boolean matchAny = match != null && match.strip().equals("*");
    String noneMatch = joined(headers, HttpHeaderNames.IF_NONE_MATCH);
    if (noneMatch != null && !noneMatch.strip().equals("*")) {
      faults.add(
          Fault.header(
              "If-None-Match",
              "If-None-Match: " + Shown.of(noneMatch) + " (expected: *, to create only)"));
    }
    return new Precondition(
        match == null || matchAny ? null : tags(match, faults), matchAny, noneMatch != null);
  }

  private static @Nullable String joined(RequestHeaders headers, CharSequence name) {
    List<String> values = headers.getAll(name);
    return values.isEmpty() ? null : String.join(",", values);
  }

  /** Only strong tags: a weak one never matches in a strong comparison. */
  private static List<String> tags(String text, Faults faults) {
    List<String> tags = new ArrayList<>();
    Matcher tag = TAG.matcher(text);
    int at = 0;
    while (at < text.length() && tag.region(at, text.length()).lookingAt()) {
      if (tag.group(1) == null) {
        tags.add(tag.group(2));
      }
      at = tag.end();
    }
    if (at < text.length() || text.isBlank()) {
      faults.add(
          Fault.header(
              "If-Match", "If-Match: " + Shown.of(text) + " (expected: " + TAGS_FORM + ")"));
    }
    return tags;
  }

  /** Whether there is a precondition. */
  public boolean isGiven() {
    return match != null || matchAny || absent;
  }

  /**
   * Performs a change if the precondition holds, and still holds when the change is decided.
   *
   * @param current the thing; empty when it does not exist. Called only if there is a precondition
   * @throws Refusal 412: it does not hold; nothing was changed
   */
  public <T> T change(Supplier<Optional<Current>> current, Change<T> change) {
    Expected expected = isGiven() ? expected(current.get()) : Expected.ANY;
    return or412(() -> change.make(expected));
  }

  /**
   * Performs a change that is compared with the read state where it is decided.
   *
   * @throws Refusal 412: a concurrent change happened
   */
  public static <T> T or412(Decision<T> decision) {
    try {
      return decision.make();
    } catch (ChangedMeanwhile changed) {
      throw new Refusal(
          Problem.preconditionFailed("Another call changed it at the same time: read it again."));
    }
  }

  /** A change with its precondition. */
  @FunctionalInterface
  public interface Decision<T> {
    /** Performs the change, if the precondition holds. */
    T make() throws ChangedMeanwhile;
  }

  /** Whether the precondition holds for an existing thing. */
  public boolean holds(Current current) {
    return holds(Optional.of(current));
  }

  private boolean holds(Optional<Current> current) {
    return (match == null || (current.isPresent() && match.contains(current.get().etag())))
        && (!matchAny || current.isPresent())
        && !(absent && current.isPresent());
  }

  /** The error response when it does not hold. */
  public Problem failure(Optional<Current> current) {
    return Problem.preconditionFailed(
        current.isEmpty()
            ? "If-Match does not hold: nothing of this name exists."
            : absent
                ? "If-None-Match: * does not hold: it exists already."
                : "If-Match does not hold: the current ETag is " + current.get().etag() + ".");
  }

  private Expected expected(Optional<Current> current) {
    if (!holds(current)) {
      throw new Refusal(failure(current));
    }
    return current.isEmpty() ? Expected.ABSENT : new Expected.At(current.get().revision());
  }
}
