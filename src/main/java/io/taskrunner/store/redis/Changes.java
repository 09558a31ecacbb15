package io.taskrunner.store.redis;

import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.Moves;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.link.Shards;
import io.taskrunner.store.redis.record.Packed;
import io.taskrunner.store.redis.record.TaskCodec;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Changes of several steps, such as a queue's settings in every shard. Each is written down in the
 * configuration before it is carried out, and crossed off afterwards; what its process left,
 * because it died or Redis was away, any process finishes after {@link #LATE}. So a change is made
 * in all places or in none.
 *
 * <p>Each step is a script that may run twice, and leaves be what a later change has reached. A
 * step that answers {@code overtaken} ends its change.
 */
final class Changes {

  /** How long a change has before another process finishes it. */
  static final Duration LATE = Duration.ofSeconds(5);

  private static final Logger LOG = LoggerFactory.getLogger(Changes.class);
  private static final String OVERTAKEN = "overtaken";
  private static final byte[] YES = Keys.bytes("1");
  private static final byte[] NO = Keys.bytes("0");

  private final Shards shards;
  private final Moves configMoves;

  Changes(Shards shards, Moves configMoves) {
    this.shards = shards;
    this.configMoves = configMoves;
  }

  /** Where a step is done. */
  enum Place {
    /** In the shards of the queue of that name; in all of them for {@code ""}. */
    QUEUE,
    /** In the home of the client of that name. */
    HOME,
    CONFIGURATION
  }

  /** One script of a change. */
  record Step(Place place, String name, Script script, List<byte[]> args) {
    static Step everywhere(Script script, byte[]... args) {
      return ofQueue("", script, args);
    }

    static Step ofQueue(String name, Script script, byte[]... args) {
      return new Step(Place.QUEUE, name, script, List.of(args));
    }

    static Step atHome(String client, Script script, byte[]... args) {
      return new Step(Place.HOME, client, script, List.of(args));
    }

    static Step inConfiguration(Script script, byte[]... args) {
      return new Step(Place.CONFIGURATION, "", script, List.of(args));
    }
  }

  /** A number for a change of what has no revision, higher than any before. */
  long next() {
    return configMoves.<Long>run(Script.NEXT_CHANGE);
  }

  /**
   * Carries a change out.
   *
   * @param thing what is changed: a later change of it takes the place of this one
   * @return what the last step answered, in the shards' order
   */
  <T> List<T> carryOut(String thing, long revision, Step... steps) {
    note(thing, revision, steps);
    List<T> answers = run(List.of(steps));
    end(thing, revision, false);
    return answers;
  }

  void note(String thing, long revision, Step... steps) {
    configMoves.run(
        Script.NOTE_CHANGE, Keys.bytes(thing), Keys.bytes(revision), write(List.of(steps)));
  }

  /**
   * A change was carried out, or is not to be.
   *
   * @param gone whether the thing is gone, or its change was not made, so that no revision is kept
   */
  void end(String thing, long revision, boolean gone) {
    configMoves.run(Script.END_CHANGE, Keys.bytes(thing), Keys.bytes(revision), gone ? YES : NO);
  }

  /** Finishes what others left. */
  void finish() {
    List<Object> late = configMoves.run(Script.LATE_CHANGES, Keys.bytes(LATE.toMillis()));
    for (int i = 0; i < late.size(); i += 3) {
      String thing = Keys.text((byte[]) late.get(i));
      LOG.info("finishing a change of {} that was broken off", thing);
      run(read((byte[]) late.get(i + 2)));
      end(thing, (Long) late.get(i + 1), false);
    }
  }

  @SuppressWarnings("unchecked")
  private <T> List<T> run(List<Step> steps) {
    List<T> answers = List.of();
    for (Step step : steps) {
      byte[][] args = step.args().toArray(byte[][]::new);
      answers =
          switch (step.place()) {
            case QUEUE -> shards.allOfQueue(step.name()).run(step.script(), args);
            case HOME -> List.of((T) shards.of(step.name()).moves().run(step.script(), args));
            case CONFIGURATION -> List.of((T) configMoves.run(step.script(), args));
          };
      if (answers.getFirst() instanceof byte[] word && Keys.text(word).equals(OVERTAKEN)) {
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
      out.put(step.args().size(), 4);
      for (byte[] arg : step.args()) {
        out.put(arg.length, 4).write(arg);
      }
    }
    return out.toByteArray();
  }

  private static List<Step> read(byte[] text) {
    ByteBuffer in = ByteBuffer.wrap(text);
    List<Step> steps = new ArrayList<>();
    while (in.hasRemaining()) {
      Place place = Place.valueOf(word(in, 1));
      String name = word(in, 2);
      Script script = Script.valueOf(word(in, 1));
      int count = (int) TaskCodec.number(in, 4);
      List<byte[]> args = new ArrayList<>(count);
      for (int i = 0; i < count; i++) {
        args.add(bytes(in, 4));
      }
      steps.add(new Step(place, name, script, args));
    }
    return steps;
  }

  private static byte[] bytes(ByteBuffer in, int lengthBytes) {
    byte[] bytes = new byte[(int) TaskCodec.number(in, lengthBytes)];
    in.get(bytes);
    return bytes;
  }

  private static String word(ByteBuffer in, int lengthBytes) {
    return new String(bytes(in, lengthBytes), StandardCharsets.UTF_8);
  }
}
