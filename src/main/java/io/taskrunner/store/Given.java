package io.taskrunner.store;

import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What a change specifies for one field: nothing, which keeps it, or its new value.
 *
 * @param isGiven whether the field changes
 * @param value what it changes to; null unsets it
 */
public record Given<T>(boolean isGiven, @Nullable T value) {

  /** Keeps a field. */
  public static <T> Given<T> nothing() {
    return new Given<>(false, null);
  }

  /** Sets a field, or unsets it with null. */
  public static <T> Given<T> of(@Nullable T value) {
    return new Given<>(true, value);
  }

  /** The field after the change. */
  public @Nullable T or(@Nullable T now) {
    return isGiven ? value : now;
  }

  /** The field after the change, where an unset field has a value too. */
  public T or(T now, T unset) {
    T then = or(now);
    return then == null ? unset : then;
  }

  /** The same, converted. */
  public <U> Given<U> map(Function<T, U> form) {
    return new Given<>(isGiven, value == null ? null : form.apply(value));
  }
}
