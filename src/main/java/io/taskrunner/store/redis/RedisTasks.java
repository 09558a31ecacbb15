package io.taskrunner.store.redis;

import io.taskrunner.store.Enqueue;
import io.taskrunner.store.EnqueueResult;
import io.taskrunner.store.TaskStore;
import io.taskrunner.store.redis.link.Args;
import io.taskrunner.store.redis.link.QueueNames;
import io.taskrunner.store.redis.link.Reply;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.link.Shard;
import io.taskrunner.store.redis.link.Shards;
import io.taskrunner.store.redis.record.LogEntry;
import io.taskrunner.store.redis.record.Policy;
import io.taskrunner.store.redis.record.SeriesRecord.Event;
import io.taskrunner.store.redis.record.TaskCodec;
import io.taskrunner.store.redis.record.TaskRecord;
import io.taskrunner.task.Attempt;
import io.taskrunner.task.AttemptError;
import io.taskrunner.task.Retry;
import io.taskrunner.task.TargetUrl;
import io.taskrunner.task.Task;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Operations on tasks for callers. */
final class RedisTasks implements TaskStore {

  private static final Logger LOG = LoggerFactory.getLogger(RedisTasks.class);

  /**
   * Maximum number of script calls per page: some 100 ms of Redis' time. Then the page is short.
   */
  private static final int SCRIPTS_MAX = 40;

  /** How many tasks one call counts among, and how long it may take. */
  private static final long COUNT_MAX = 100_000;

  private static final long COUNT_NANOS_MAX = 1_000_000_000;

  /** Number of tasks searched for at a time. */
  private static final int AT_ONCE = 100;

  /**
   * Approximate limit of the bytes of a page's records; then the page is short. As JSON, a record
   * may be six times as long, and is held several times while it is written.
   */
  private static final long PAGE_BYTES = 1 << 20;

  /** More than all records of a page have together. */
  private static final long ANY_BYTES = 1L << 40;

  private final Shards shards;
  private final QueueNames names;
  private final Function<Shard, Enqueuer> enqueuers;
  private final SeriesCounts counts;

  RedisTasks(
      Shards shards, QueueNames names, Function<Shard, Enqueuer> enqueuers, SeriesCounts counts) {
    this.shards = shards;
    this.names = names;
    this.enqueuers = enqueuers;
    this.counts = counts;
  }

  @Override
  public CompletableFuture<EnqueueResult> enqueue(Enqueue command) {
    return enqueuers
        .apply(shards.of(command.clientId()))
        .enqueue(command)
        .thenApply(result -> {
          if (result instanceof EnqueueResult.Enqueued) {
            counts.count(command.queue(), Event.ENQUEUED, 1);
          }
          return result;
        });
  }

  @Override
  public Optional<Task> get(TaskId id) {
    return shards
        .of(id)
        .flatMap(shard -> read(shard, List.of(id.bytes()), View.FULL).stream().findFirst());
  }

  /** Those that are there; in as many calls as their size requires. */
  private List<Task> read(Shard shard, List<byte[]> ids, View view) {
    List<Task> tasks = new ArrayList<>(ids.size());
    for (int from = 0; from < ids.size(); ) {
      Args args = new Args(1 + ids.size() - from).with(view == View.BASIC);
      ids.subList(from, ids.size()).forEach(args::add);
      Reply reply = shard.moves().run(Script.GET, args);
      from += reply.count();
      while (reply.more()) {
        read(reply).ifPresent(tasks::add);
      }
    }
    return tasks;
  }

  /** A task in a script's reply; empty when its record cannot be read, or its queue was deleted. */
  private Optional<Task> read(Reply reply) {
    TaskId id = reply.id();
    TaskState state = TaskState.ofCode(reply.text().charAt(0));
    Optional<TaskRecord> read = TaskCodec.read(reply.bytes());
    List<Attempt> log = reply.list(entry -> LogEntry.read(entry.bytes()));
    byte[] policy = reply.bytes();
    if (read.isEmpty()) {
      LOG.atError()
          .addKeyValue("task_id", id)
          .log(
              "the record of a task cannot be read; the task is omitted. Run the doctor with --repair");
      return Optional.empty();
    }
    TaskRecord record = read.get();
    String queue = names.byNumber().get(record.queue());
    if (queue == null) {
      names.reload();
      queue = names.byNumber().get(record.queue());
    }
    return queue == null
        ? Optional.empty()
        : Optional.of(task(id, state, queue, record, log, retry(record, policy)));
  }

  /** A task's retry settings over its queue's; null for one of Cloud Tasks. */
  private static @Nullable Retry retry(TaskRecord record, byte[] policy) {
    if (record.cloud() != null) {
      return null;
    }
    Retry own = record.spec().retry();
    return policy.length == 0 ? own : own.over(Policy.of(policy).retry());
  }

  private static Task task(
      TaskId id,
      TaskState state,
      String queue,
      TaskRecord record,
      List<Attempt> log,
      @Nullable Retry retry) {
    List<Attempt> attempts = new ArrayList<>(log);
    boolean answered = record.status() > 0;
    if (attempts.isEmpty() && state == TaskState.SUCCEEDED && record.first().isPresent()) {
      // The log begins with the first failure: an immediate success is recorded in the head.
      Duration duration = Duration.between(record.first().get(), record.ended().orElseThrow());
      attempts.add(
          new Attempt(
              record.attempts(),
              record.first().get(),
              duration,
              OptionalInt.of(record.status()),
              Optional.empty(),
              ""));
    }
    return new Task(
        id,
        record.cloud() == null ? record.clientId() : queue,
        queue,
        state,
        record.spec(),
        record.bodyDropped(),
        record.created(),
        record.scheduled(),
        record.due(),
        attempts,
        record.error() == 0 ? Optional.empty() : Optional.of(AttemptError.ofCode(record.error())),
        answered ? OptionalInt.of(record.status()) : OptionalInt.empty(),
        record.attempts(),
        state.finished() ? record.ended() : Optional.empty(),
        retry);
  }

  @Override
  public Page list(Filter filter, int limit, @Nullable String cursor, View view) throws BadCursor {
    TaskTour tour = new TaskTour(shards, names, filter, cursor);
    List<Task> found = new ArrayList<>();
    long examined = 0;
    long bytes = 0;
    for (int scripts = 1; ; scripts++) {
      Shard shard = tour.shard();
      Reply reply =
          shard
              .moves()
              .run(
                  Script.SEARCH,
                  Math.min(AT_ONCE, limit - found.size()),
                  view == View.BASIC ? ANY_BYTES : PAGE_BYTES - bytes,
                  tour.args());
      examined += reply.number();
      boolean over = reply.flag();
      byte[] place = reply.bytes();
      long read = reply.number();
      bytes += view == View.BASIC ? 0 : read;
      for (Task task : read(shard, reply.rest(Reply::bytes), view)) {
        bytes += excerptLength(task);
        if (matches(filter, task)) {
          found.add(task);
        }
      }
      boolean more = tour.goOn(over, place);
      if (!more || found.size() >= limit || bytes >= PAGE_BYTES || scripts >= SCRIPTS_MAX) {
        return new Page(found, more ? tour.cursor() : null, examined);
      }
    }
  }

  @Override
  public Count count(Filter filter, @Nullable String cursor) throws BadCursor {
    TaskTour tour = new TaskTour(shards, names, filter, cursor);
    long until = System.nanoTime() + COUNT_NANOS_MAX;
    long count = 0;
    long examined = 0;
    while (true) {
      Reply reply = tour.shard().moves().run(Script.COUNT, tour.args());
      examined += reply.number();
      boolean over = reply.flag();
      byte[] place = reply.bytes();
      count += reply.number();
      boolean more = tour.goOn(over, place);
      if (!more || examined >= COUNT_MAX || System.nanoTime() - until > 0) {
        return new Count(count, examined, more ? tour.cursor() : null);
      }
    }
  }

  private static long excerptLength(Task task) {
    return task.attempts().stream().mapToLong(attempt -> attempt.excerpt().length()).sum();
  }

  /** Whether a filter matches a task. */
  private static boolean matches(Filter filter, Task task) {
    return (filter.state() == null || task.state() == filter.state())
        && (filter.queue() == null || filter.queue().equals(task.queue()))
        && (filter.clientId() == null || filter.clientId().equals(task.clientId()))
        && (filter.label() == null
            || filter.label().value().equals(task.spec().labels().get(filter.label().name())))
        && (filter.status() == null
            || (task.lastStatus().isPresent() && task.lastStatus().getAsInt() == filter.status()))
        && (filter.error() == null || filter.error().equals(task.lastError().orElse(null)))
        && (filter.host() == null || isOf(filter.host(), task))
        && within(filter.createdAfter(), task.created(), filter.createdBefore())
        && within(filter.dueAfter(), task.due(), filter.dueBefore());
  }

  private static boolean isOf(String host, Task task) {
    TargetUrl url = task.spec().request().url();
    return host.equals(url.hostName()) || host.equals(url.hostAndPort());
  }

  private static boolean within(@Nullable Instant from, Instant time, @Nullable Instant before) {
    return (from == null || !time.isBefore(from)) && (before == null || time.isBefore(before));
  }

  @Override
  public Instant now() {
    return Instant.ofEpochMilli(shards.first().moves().millis());
  }

  @Override
  public Moved cancel(TaskId id) {
    return move(Script.CANCEL, id);
  }

  @Override
  public Moved runNow(TaskId id) {
    return move(Script.RUN_NOW, id);
  }

  @Override
  public Moved retry(TaskId id) {
    return move(Script.REVIVE, id);
  }

  private Moved move(Script script, TaskId id) {
    Optional<Shard> shard = shards.of(id);
    if (shard.isEmpty()) {
      return new Moved.NotFound();
    }
    Reply reply = shard.get().moves().run(script, id);
    return switch (reply.ifWord(Done.class).orElse(null)) {
      case DONE -> new Moved.Done();
      case MISSING -> new Moved.NotFound();
      case OVERTAKEN -> throw reply.unknown("overtaken", "done, missing or the letter of a state");
      case null -> new Moved.WrongState(TaskState.ofCode(reply.text().charAt(0)));
    };
  }
}
