package io.taskrunner.store.redis;

import io.taskrunner.store.redis.link.Args;
import io.taskrunner.store.redis.link.Reply;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.link.Shard;
import io.taskrunner.store.redis.link.Shards;
import io.taskrunner.store.redis.record.Packed;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Changes of several steps, such as a queue's settings in every shard. Each is recorded in the
 * configuration before it is carried out, and removed afterwards; if its process died or Redis was
 * unavailable, any process finishes it after {@link #LATE}. So a change is applied in all places or
 * in none.
 *
 * <p>Each step is a script that may run twice, and does not overwrite a later change. A step that
 * returns {@code overtaken} ends its change.
 */
final class Changes {

  /** How long a change has before another process finishes it. */
  static final Duration LATE = Duration.ofSeconds(5);

  private static final Logger LOG = LoggerFactory.getLogger(Changes.class);

  private final Shards shards;
  private final Shard config;

  Changes(Shards shards, Shard config) {
    this.shards = shards;
    this.config = config;
  }

  /** Where a step runs. */
  enum Place {
    /** In the shards of the queue of that name; in all of them for {@code ""}. */
    QUEUE,
    /** In the home shard of the client of that name. */
    HOME,
    CONFIGURATION
  }

  /** One script of a change. */
  record Step(Place place, String name, Script script, Args args) {
    static Step everywhere(Script script, @Nullable Object... args) {
      return ofQueue("", script, args);
    }

    static Step ofQueue(String name, Script script, @Nullable Object... args) {
      return new Step(Place.QUEUE, name, script, Args.of(args));
    }

    static Step atHome(String client, Script script, Args args) {
      return new Step(Place.HOME, client, script, args);
    }

    static Step inConfiguration(Script script, @Nullable Object... args) {
      return new Step(Place.CONFIGURATION, "", script, Args.of(args));
    }
  }

  /** A number for a change of an object without revisions, higher than all before. */
  long next() {
    return config.moves().run(Script.NEXT_CHANGE).number();
  }

  /**
   * Carries a change out.
   *
   * @param thing the changed object: a later change of it replaces this one
   * @return the reply of the last step, or of the overtaken one; in the shards' order
   */
  List<Reply> carryOut(String thing, long revision, Step... steps) {
    note(thing, revision, steps);
    List<Reply> answers = run(List.of(steps));
    end(thing, revision, false);
    return answers;
  }

  void note(String thing, long revision, Step... steps) {
    config.moves().run(Script.NOTE_CHANGE, thing, revision, write(List.of(steps)));
  }

  /**
   * Marks a change as carried out, or as dropped.
   *
   * @param gone whether the object was deleted, or its change was not made, so that no revision is
   *     kept
   */
  void end(String thing, long revision, boolean gone) {
    config.moves().run(Script.END_CHANGE, thing, revision, gone);
  }

  /** Whether any shard did it. */
  static boolean isDone(List<Reply> answers) {
    return answers.stream().anyMatch(answer -> answer.word(Done.class) == Done.DONE);
  }

  /** Finishes changes that other processes left. */
  void finish() {
    Reply late = config.moves().run(Script.LATE_CHANGES, LATE.toMillis());
    while (late.more()) {
      String thing = late.text();
      long revision = late.number();
      LOG.info("completing an interrupted change of {}", thing);
      run(read(late.bytes()));
      end(thing, revision, false);
    }
  }

  private List<Reply> run(List<Step> steps) {
    List<Reply> answers = List.of();
    for (Step step : steps) {
      answers =
          switch (step.place()) {
            case QUEUE -> shards.allOfQueue(step.name()).run(step.script(), step.args());
            case HOME -> List.of(shards.of(step.name()).moves().run(step.script(), step.args()));
            case CONFIGURATION -> List.of(config.moves().run(step.script(), step.args()));
          };
      if (answers.getFirst().isNext(Done.OVERTAKEN)) {
        return answers;
      }
    }
    return answers;
  }

  private static byte[] write(List<Step> steps) {
    Packed out = new Packed(256);
    for (Step step : steps) {
      out.shortText(step.place().name(), 1);
      out.shortText(step.name(), 2);
      out.shortText(step.script().name(), 1);
      out.put(step.args().values().size(), 4);
      for (byte[] arg : step.args().values()) {
        out.put(arg.length, 4).write(arg);
      }
    }
    return out.toByteArray();
  }

  private static List<Step> read(byte[] text) {
    ByteBuffer in = ByteBuffer.wrap(text);
    List<Step> steps = new ArrayList<>();
    while (in.hasRemaining()) {
      Place place = Place.valueOf(Packed.text(in, 1));
      String name = Packed.text(in, 2);
      Script script = Script.valueOf(Packed.text(in, 1));
      int count = (int) Packed.number(in, 4);
      Args args = new Args(count);
      for (int i = 0; i < count; i++) {
        args.add(Packed.bytes(in, 4));
      }
      steps.add(new Step(place, name, script, args));
    }
    return steps;
  }
}
