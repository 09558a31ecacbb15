package io.taskrunner.http.call;

import io.taskrunner.store.ChangedMeanwhile;
import io.taskrunner.store.Expected;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * The calls that read, set and delete one thing of a {@link Kind}: with its {@code ETag}, the
 * {@code If-Match} precondition, and an entry in the audit trail.
 */
public final class Things<T, S> {

  private final Kind<T, S> kind;
  private final Audit audit;

  /** Of one kind; changes go to the audit trail. */
  public Things(Kind<T, S> kind, Audit audit) {
    this.kind = kind;
    this.audit = audit;
  }

  /** Deletes a thing. */
  @FunctionalInterface
  public interface Deletion {
    /**
     * Deletes it.
     *
     * @return why it was not deleted; empty when it was
     */
    Optional<Problem> of(String name, Expected expected) throws ChangedMeanwhile;
  }

  /** An existing thing. */
  public T existing(String given) {
    return kind.find(given).orElseThrow(() -> new Refusal(kind.notFound(given)));
  }

  /** The answer with a thing. */
  public Answer answer(T thing) {
    return Answer.ok(json(thing)).tagged(current(thing));
  }

  /** A thing in an answer. */
  public byte[] json(T thing) {
    return JsonOut.object(out -> kind.show(out, thing));
  }

  /** For {@code ETag} and {@code If-Match}. */
  public Precondition.Current current(T thing) {
    long revision = kind.state(thing).revision();
    return Precondition.Current.of(revision, JsonOut.object(out -> kind.writeTag(out, thing)));
  }

  /** {@code GET} of the thing that the path names. */
  public Answer get(Call call) {
    return answer(existing(call.param(0)));
  }

  /** {@code PUT} of the thing that the path names. */
  public Answer put(Call call) {
    Faults faults = new Faults();
    Optional<String> named = kind.named(call.param(0));
    if (named.isEmpty()) {
      String given = kind.key() + ": " + Shown.of(call.param(0));
      faults.add(Fault.parameter(kind.key(), given + " (expected: " + kind.nameForm() + ")"));
    }
    String name = named.orElse("");
    S settings = kind.read(name, call.fields(faults));
    Precondition precondition = Precondition.of(call.headers(), faults);
    faults.raise();
    if (settings == null) {
      throw new IllegalStateException("no settings and no error");
    }
    kind.check(name, settings);
    Optional<Changes.Version> before =
        kind.find(name).map(thing -> kind.version(kind.state(thing).settings()));
    Kind.Put put =
        precondition.change(
            () -> kind.find(name).map(this::current),
            expected -> kind.put(name, settings, expected));
    tell(call, put.name(), name, Changes.between(before, kind.version(settings)));
    T thing = existing(name);
    return put == Kind.Put.CREATED
        ? Answer.created(json(thing)).tagged(current(thing))
        : answer(thing);
  }

  /** Records a change in the audit trail, with a thing's name under the word for it. */
  private void tell(Call call, String did, String name, List<String> changes) {
    String key = kind.key().equals("name") ? kind.word() : kind.key();
    audit.tell(call, kind.word() + " " + did.toLowerCase(Locale.ROOT), key, name, changes);
  }

  /** {@code DELETE} of the thing that the path names. */
  public Answer delete(Call call) {
    return delete(call, call.param(0), new Faults(), kind::delete);
  }

  /** {@code DELETE} of a thing. */
  public Answer delete(Call call, String given, Faults faults, Deletion deletion) {
    Precondition precondition = Precondition.of(call.headers(), faults);
    faults.raise();
    if (kind.isBuiltIn(given)) {
      throw new Refusal(Problem.builtIn(kind.word(), given));
    }
    String name = kind.state(existing(given)).name();
    Optional<Problem> kept =
        precondition.change(
            () -> kind.find(name).map(this::current), expected -> deletion.of(name, expected));
    if (kept.isPresent()) {
      throw new Refusal(kept.get());
    }
    tell(call, "deleted", name, List.of());
    return Answer.noContent();
  }
}
