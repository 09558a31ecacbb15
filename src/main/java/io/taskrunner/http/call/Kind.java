package io.taskrunner.http.call;

import io.taskrunner.http.call.JsonOut.Members;
import io.taskrunner.store.ChangedMeanwhile;
import io.taskrunner.store.ConfigStore;
import io.taskrunner.store.Expected;
import io.taskrunner.store.QueueSettings;
import io.taskrunner.store.TaskStore.BadCursor;
import java.io.IOException;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The one description of a kind of thing that admins set, such as queues. From it, {@link Things}
 * builds the calls that read, set and delete one thing, and {@code Configuration} the section of
 * its document. Methods that ask the store block.
 *
 * @param <T> a thing in the store
 * @param <S> its settings: all that an admin can set on it, except its name
 */
public interface Kind<T, S> {

  /** Maximum number of things of one page. */
  int PAGE_MAX = 1000;

  // Names, of the kind and of things.

  /** The name of this kind in the store; other names of it follow from that. */
  ConfigStore.Kind stored();

  /** One thing of this kind, such as {@code queue}. */
  default String word() {
    return stored().name().toLowerCase(Locale.ROOT);
  }

  /** The member of the configuration document that holds things of this kind, by name. */
  default String section() {
    return word() + "s";
  }

  /** The member of JSON that holds the name of a thing; also the parameter of a path. */
  default String key() {
    return "name";
  }

  /** The error response for a missing thing. */
  Problem notFound(String name);

  /** Whether a thing may have this name. */
  default boolean isName(String name) {
    return QueueSettings.NAME.matcher(name).matches();
  }

  /** The format of names, in words. */
  default String nameForm() {
    return "1 to 64 of A-Z a-z 0-9 _ -";
  }

  /** The name of a thing in the store, of a name in a path; empty when it is invalid. */
  default Optional<String> named(String given) {
    return isName(given) ? Optional.of(given) : Optional.empty();
  }

  /** Whether a thing always exists. */
  default boolean isBuiltIn(String name) {
    return false;
  }

  // Settings, read and written.

  /**
   * Reads settings to the end of an object. An omitted field has its default.
   *
   * @param name of the thing; if it is invalid, that is noted already
   * @return null only when something is invalid, which is noted
   */
  @Nullable S read(String name, Fields fields);

  /** Writes settings: null where nothing is set, and likely secrets masked. */
  void write(JsonOut out, S settings) throws IOException;

  /** Like {@link #write}, with the secrets; for comparing. */
  default void writeExact(JsonOut out, S settings) throws IOException {
    write(out, settings);
  }

  /** Writes the input of the {@code ETag} of a thing. */
  default void writeTag(JsonOut out, T thing) throws IOException {
    State<S> state = state(thing);
    out.text(key(), state.name());
    write(out, state.settings());
  }

  /** Writes a thing for an answer, which may be more than can be set. */
  default void show(JsonOut out, T thing) throws IOException {
    writeTag(out, thing);
  }

  /** Settings as the audit trail compares them. */
  default Changes.Version version(S settings) {
    return new Wanted<>(this, "", settings).version();
  }

  /** The settable part of a thing. */
  State<S> state(T thing);

  /**
   * The settable part of a thing.
   *
   * @param isEmpty whether a document may delete it
   */
  record State<S>(String name, S settings, long revision, boolean isEmpty) {
    /** Of a thing that a document may always delete. */
    public State(String name, S settings, long revision) {
      this(name, settings, revision, true);
    }
  }

  // The store.

  /** One thing, by a name in a path. */
  Optional<T> find(String given);

  /**
   * The next things, by name.
   *
   * @param most 1 to {@link #PAGE_MAX}
   * @param cursor of the page before; null for the first
   */
  Page<T> page(int most, @Nullable String cursor) throws BadCursor;

  /** Creates or changes a thing. */
  Put put(String name, S settings, Expected expected) throws ChangedMeanwhile;

  /** The result of setting a thing, in the words of the audit trail. */
  enum Put {
    /** Created, which the response also reports. */
    CREATED,
    UPDATED,
    /** Created or changed, of a kind where that makes no difference. */
    SET;

    /** Of a kind where it makes a difference. */
    public static Put of(boolean created) {
      return created ? CREATED : UPDATED;
    }
  }

  /**
   * Deletes a thing.
   *
   * @return why it was not deleted; empty when it was
   */
  Optional<Problem> delete(String name, Expected expected) throws ChangedMeanwhile;

  /**
   * Checks settings, before a call sets them, against the other things.
   *
   * @throws Refusal they cannot be set now
   */
  default void check(String name, S settings) {}

  /**
   * Checks settings against the things after a document is applied.
   *
   * @param names of all things, by section
   * @param entry collects the errors
   */
  default void check(String name, S settings, Map<String, Set<String>> names, Fields entry) {}

  /** Warnings about settings that are probably mistakes. */
  default List<String> warnings(S settings) {
    return List.of();
  }

  /**
   * Some things.
   *
   * @param nextCursor gives the next page; null at the end
   */
  record Page<T>(List<T> things, @Nullable String nextCursor) {}

  /** A page of things that are read all together. */
  default Page<T> page(List<T> all, int most, @Nullable String cursor) {
    return page(
        all.stream()
            .filter(thing -> cursor == null || state(thing).name().compareTo(cursor) > 0)
            .sorted(Comparator.comparing(thing -> state(thing).name()))
            .limit(most + 1L)
            .toList(),
        most);
  }

  /** A page of the next things, of which one more was read, if there is one. */
  default Page<T> page(List<T> next, int most) {
    List<T> things = next.subList(0, Math.min(most, next.size()));
    return new Page<>(things, next.size() > most ? state(things.getLast()).name() : null);
  }

  // The document of the entire configuration.

  /** The next things for a document. */
  default Page<Item> items(int most, @Nullable String cursor) throws BadCursor {
    Page<T> page = page(most, cursor);
    return new Page<>(page.things().stream().map(this::item).toList(), page.nextCursor());
  }

  private Item item(T thing) {
    State<S> state = state(thing);
    Wanted<S> asSet = new Wanted<>(this, state.name(), state.settings());
    return new Item(state.name(), asSet.version(), state.revision(), state.isEmpty());
  }

  /**
   * Reads an entry of a document. Omitted fields are unset.
   *
   * @param entry collects the errors; read to its end
   * @return null when something is invalid
   */
  default @Nullable Wanted<S> wanted(String name, Fields entry) {
    int faults = entry.faults().count();
    if (!isName(name)) {
      entry.wrongName(nameForm());
    }
    S settings = read(name, entry);
    return settings == null || entry.faults().count() > faults
        ? null
        : new Wanted<>(this, name, settings);
  }

  /**
   * The current state of a thing.
   *
   * @param version its entry in a document: its settings, always written in the same way
   * @param isEmpty whether it can be deleted
   */
  record Item(String name, Changes.Version version, long revision, boolean isEmpty) {}

  /** The state of a thing that a document asks for. */
  record Wanted<S>(Kind<?, S> kind, String name, S settings) {
    /** Its entry in a document, written as {@link Item#version} is. */
    public Changes.Version version() {
      Members shown = out -> kind.write(out, settings);
      Members exact = out -> kind.writeExact(out, settings);
      return new Changes.Version(JsonOut.withoutNulls(shown), JsonOut.withoutNulls(exact));
    }

    /** Notes references to things that will not exist after the document is applied. */
    public void check(Map<String, Set<String>> names, Fields entry) {
      kind.check(name, settings, names, entry);
    }

    /** Warnings about settings in it that are probably mistakes. */
    public List<String> warnings() {
      return kind.warnings(settings);
    }

    /** Applies it. Blocks. */
    public void apply(Expected expected) throws ChangedMeanwhile {
      kind.put(name, settings, expected);
    }
  }
}
