package io.taskrunner.store.redis;

import io.lettuce.core.RedisException;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.taskrunner.schedule.CatchUp;
import io.taskrunner.schedule.Due;
import io.taskrunner.schedule.Jitter;
import io.taskrunner.schedule.Schedule.Result;
import io.taskrunner.store.ScheduleStore;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.redis.link.Answers;
import io.taskrunner.store.redis.link.QueueNames;
import io.taskrunner.store.redis.link.Reply;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.link.Shard;
import io.taskrunner.store.redis.record.Digests;
import io.taskrunner.store.redis.record.ScheduleFields;
import io.taskrunner.store.redis.record.SeriesRecord.Event;
import io.taskrunner.store.redis.record.TickCall;
import io.taskrunner.task.TaskId;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Processes the due schedules of one shard. They are read a page at a time, and a page is processed
 * at once, so that it takes two round trips. A schedule whose tick cannot be done now is skipped:
 * it blocks none after it.
 */
final class ScheduleTicks implements ScheduleStore.Part {

  private static final Logger LOG = LoggerFactory.getLogger(ScheduleTicks.class);

  private static final Duration LOOK_AGAIN = Duration.ofSeconds(1);

  /** The reply of {@code due_schedules.lua}. */
  private static final int PAGE = 100;

  private static final int PAGES_MAX = 50;

  private final Shard shard;
  private final QueueNames names;
  private final StoreOptions options;
  private final SeriesCounts counts;

  ScheduleTicks(Shard shard, QueueNames names, StoreOptions options, SeriesCounts counts) {
    this.shard = shard;
    this.names = names;
    this.options = options;
    this.counts = counts;
  }

  /** A schedule that is due, as it was read. */
  private record Found(
      String name, String timing, String catchUp, String next, String created, String queue) {
    static Found read(Reply due) {
      return new Found(due.text(), due.text(), due.text(), due.text(), due.text(), due.text());
    }
  }

  /** The due ticks of a schedule, and the time of the next one. */
  private record Work(TickCall call, String queue, Instant comes) {}

  @Override
  public Duration tick() {
    int passed = 0;
    boolean wentOn = false;
    for (int page = 0; page < PAGES_MAX; page++) {
      Reply look = shard.moves().run(Script.DUE_SCHEDULES, passed);
      Instant now = look.time();
      long following = look.number();
      List<Found> found = look.rest(Found::read);
      List<Work> done = go(found.stream().flatMap(one -> work(one, now).stream()).toList());
      passed += found.size() - done.size();
      wentOn |= !done.isEmpty();
      if (found.size() < PAGE) {
        long wait = LOOK_AGAIN.toMillis();
        if (following >= 0) {
          wait = Math.min(wait, following - now.toEpochMilli());
        }
        for (Work work : done) {
          wait = Math.min(wait, Duration.between(now, work.comes()).toMillis());
        }
        return Duration.ofMillis(Math.max(0, wait));
      }
    }
    return wentOn ? Duration.ZERO : LOOK_AGAIN;
  }

  /** The due ticks of a schedule; empty when they cannot be determined. */
  private Optional<Work> work(Found found, Instant now) {
    try {
      ScheduleFields.Timing timing = ScheduleFields.timing(found.timing());
      CatchUp catchUp = CatchUp.valueOf(found.catchUp().toUpperCase(Locale.ROOT));
      return Optional.of(
          work(found, timing, catchUp, time(found.next()), time(found.created()), now));
    } catch (RuntimeException fault) {
      failed(found.name(), fault);
      return Optional.empty();
    }
  }

  private Work work(
      Found found,
      ScheduleFields.Timing timing,
      CatchUp catchUp,
      Instant next,
      Instant created,
      Instant now) {
    String name = found.name();
    Jitter jitter = new Jitter(name, timing.jitter());
    Due due = Due.of(timing.rhythm(), catchUp, jitter, next, now);
    List<TickCall.Task> tasks = new ArrayList<>();
    for (Instant tick : due.ticks()) {
      Instant comes = jitter.of(tick, timing.rhythm());
      tasks.add(
          new TickCall.Task(id(name, created, tick), tick, Due.isLate(comes, now) ? now : comes));
    }
    Instant comes = jitter.of(due.next(), timing.rhythm());
    TickCall call =
        new TickCall(
            name,
            next,
            new TickCall.Next(due.next(), comes),
            new TickCall.Missed(due.missed(), due.lastMissed().orElse(null)),
            names.known(found.queue()),
            false,
            tasks);
    return new Work(call, found.queue(), comes);
  }

  private static Instant time(String millis) {
    return Instant.ofEpochMilli(Long.parseLong(millis));
  }

  /** Processes some concurrently; returns those that could be done. */
  private List<Work> go(List<Work> works) {
    List<CompletableFuture<Reply>> begun = new ArrayList<>();
    for (Work work : works) {
      begun.add(shard.link().begin(redis -> send(redis, work.call())));
    }
    List<Work> done = new ArrayList<>();
    for (int i = 0; i < works.size(); i++) {
      if (isDone(works.get(i), begun.get(i))) {
        done.add(works.get(i));
      }
    }
    return done;
  }

  private CompletionStage<Reply> send(RedisAsyncCommands<byte[], byte[]> redis, TickCall call) {
    return shard
        .moves()
        .begin(redis, Script.TICK, call.args(options.openClients(), options.maxOpenClients()));
  }

  private boolean isDone(Work work, CompletableFuture<Reply> begun) {
    try {
      TickCall call = work.call();
      Reply reply = shard.link().patiently(begun, redis -> send(redis, work.call()));
      if (reply.isNext(TickCall.Passed.QUEUE)) {
        call = call.in(names.look(work.queue()));
        reply = run(call);
      }
      goOn(work.queue(), call, reply);
      return true;
    } catch (StoreUnavailable away) {
      throw away;
    } catch (RuntimeException failure) {
      if (Answers.isFull(failure)) {
        LOG.atWarn()
            .addKeyValue("schedule", work.call().schedule())
            .log("Redis is full; the schedule's task is created once there is memory");
      } else {
        failed(work.call().schedule(), failure);
      }
      return false;
    }
  }

  private Reply run(TickCall call) {
    return shard
        .moves()
        .run(Script.TICK, call.args(options.openClients(), options.maxOpenClients()));
  }

  private static void failed(String schedule, RuntimeException fault) {
    if (fault instanceof RedisException) {
      LOG.atWarn()
          .addKeyValue("schedule", schedule)
          .addKeyValue("reason", String.valueOf(fault.getMessage()))
          .log("a run of a schedule failed in Redis; trying again");
      return;
    }
    LOG.atError()
        .addKeyValue("schedule", schedule)
        .setCause(fault)
        .log("unexpected error in a run of a schedule; trying again");
  }

  /** The budget of one call may not hold all ticks: the rest of them follows. */
  private void goOn(String queue, TickCall first, Reply answer) {
    TickCall call = first;
    Reply reply = answer;
    while (reply.ifWord(TickCall.Passed.class).isEmpty()) {
      String letters = reply.text();
      tell(queue, call, letters);
      if (letters.length() >= call.tasks().size()) {
        return;
      }
      call = call.behind(letters.length());
      reply = run(call);
    }
  }

  private void tell(String queue, TickCall call, String letters) {
    if (call.missed().count() > 0) {
      LOG.atWarn()
          .addKeyValue("schedule", call.schedule())
          .addKeyValue("missed", call.missed().count())
          .log("runs of a schedule were missed, because no process could create their tasks");
    }
    for (char letter : letters.toCharArray()) {
      Result result = Result.ofLetter(letter);
      if (result == Result.STARTED) {
        counts.count(queue, Event.ENQUEUED, 1);
      } else {
        LOG.atInfo()
            .addKeyValue("schedule", call.schedule())
            .addKeyValue("reason", result.word())
            .log("a run of a schedule created no task");
      }
    }
  }

  /** The same in every process: one tick of one schedule creates one task. */
  private TaskId id(String schedule, Instant created, Instant tick) {
    byte[] digest =
        Digests.sha256(schedule + '\n' + created.toEpochMilli() + '\n' + tick.toEpochMilli());
    ByteBuffer bits = ByteBuffer.wrap(digest);
    return TaskId.make(tick.toEpochMilli(), bits.getInt(), bits::getLong, shard.number());
  }
}
