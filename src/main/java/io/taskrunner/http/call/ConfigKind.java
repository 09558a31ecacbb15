package io.taskrunner.http.call;

import io.taskrunner.http.call.JsonOut.Members;
import io.taskrunner.store.ChangedMeanwhile;
import io.taskrunner.store.ConfigStore.Thing;
import io.taskrunner.store.Expected;
import io.taskrunner.store.TaskStore.BadCursor;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** One kind of thing in the document of the whole configuration, such as queues. */
public interface ConfigKind {

  /** The member of the document that holds things of this kind, by name. */
  String section();

  /**
   * Some that there are, by name. Blocks.
   *
   * @param most 1 to {@link #PAGE_MAX}
   * @param cursor of the page before; null for the first
   */
  Page items(int most, @Nullable String cursor) throws BadCursor;

  /** Most of one page. */
  int PAGE_MAX = 1000;

  /**
   * Some things of a kind.
   *
   * @param nextCursor gives the next page; null at the end
   */
  record Page(SortedMap<String, Item> items, @Nullable String nextCursor) {
    /**
     * A page of things that are few enough to be read together; a cursor is the last one's name.
     */
    public static Page of(SortedMap<String, Item> all, int most, @Nullable String cursor) {
      SortedMap<String, Item> page = new TreeMap<>();
      for (Map.Entry<String, Item> one : all.entrySet()) {
        if (cursor != null && one.getKey().compareTo(cursor) <= 0) {
          continue;
        }
        if (page.size() == most) {
          return new Page(page, page.lastKey());
        }
        page.put(one.getKey(), one.getValue());
      }
      return new Page(page, null);
    }
  }

  /**
   * Reads an entry of a document. What it leaves out is as if nobody had set it.
   *
   * @param entry where what is wrong is collected; read to its end
   * @return null when something is wrong
   */
  @Nullable Wanted read(String name, Fields entry);

  /** A thing, as the store names it when it decides on changes. */
  Thing thing(String name);

  /** Whether it always exists. */
  boolean isBuiltIn(String name);

  /**
   * Deletes a thing.
   *
   * @return false when it cannot be deleted now
   */
  boolean delete(String name, Expected expected) throws ChangedMeanwhile;

  /**
   * A thing as it is.
   *
   * @param settings its entry in a document: what somebody set, and always in the same way
   * @param isEmpty whether it can be deleted
   * @param exact as {@code settings}, and with what those do not show: for comparing
   */
  record Item(Members settings, long revision, boolean isEmpty, Members exact) {
    /** One whose settings show everything. */
    public Item(Members settings, long revision, boolean isEmpty) {
      this(settings, revision, isEmpty, settings);
    }
  }

  /** A thing as a document wants it. */
  interface Wanted {
    /** Its entry in a document, written as {@link Item#settings} is. */
    Members settings();

    /** As {@link Item#exact}. */
    default Members exact() {
      return settings();
    }

    /**
     * Notes what it names and there is not, once the document is applied.
     *
     * @param names of all things, by section
     */
    default void check(Map<String, Set<String>> names, Fields entry) {}

    /** Sentences on what in it is likely not as its author meant it. */
    default List<String> warnings() {
      return List.of();
    }

    /** Makes it so. Blocks. */
    void apply(Expected expected) throws ChangedMeanwhile;
  }
}
