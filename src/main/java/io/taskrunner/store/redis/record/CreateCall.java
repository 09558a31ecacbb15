package io.taskrunner.store.redis.record;

import io.taskrunner.store.CloudStore.CloudTask;
import io.taskrunner.store.CloudStore.NewTask;
import io.taskrunner.store.CloudStore.TaskMade;
import io.taskrunner.store.redis.link.Args;
import io.taskrunner.task.Task.TaskSpec;
import io.taskrunner.task.TaskId;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.Optional;

/** A task of Cloud Tasks. */
public record CreateCall(NewTask task, String queue, byte[] tail, long dueMillis, int early)
    implements EnqueueScriptCall<TaskMade> {

  private static final int FACTS_BYTES = 36;
  private static final long MICROS = 1_000;
  private static final byte[] EMPTY = new byte[0];

  public static CreateCall of(NewTask task) {
    Instant due = task.due();
    long micros = due == null ? 0 : Math.max(0, micros(due));
    int early = (int) Math.floorMod(-micros, MICROS);
    long millis = (micros + early) / MICROS;
    byte[] tail =
        TaskTail.ofCloud(
            task.spec(),
            due != null,
            new TaskTail.CloudFacts(early, task.id(), task.nameTaken(), task.echoed()));
    return new CreateCall(task, task.queue().toString(), tail, millis, early);
  }

  private static long micros(Instant time) {
    return time.getEpochSecond() * 1_000_000 + time.getNano() / MICROS;
  }

  @Override
  public TaskSpec spec() {
    return task.spec();
  }

  @Override
  public void put(Args args, TaskId id, int n) {
    args.add(
            new Packed(FACTS_BYTES)
                .put(id)
                .put('c', 1)
                .put(n, 4)
                .put('a', 1)
                .put(dueMillis, 6)
                .put(-1, 4)
                .put(-1, 4)
                .toByteArray())
        .add(EMPTY)
        .add(EMPTY);
    if (task.id() == null) {
      args.add(EMPTY).add(EMPTY);
    } else {
      args.add(Digests.ofName(task.id())).add(task.nameTaken().toMillis());
    }
  }

  @Override
  public TaskMade noQueue() {
    return new TaskMade.NoQueue();
  }

  @Override
  public TaskMade full() {
    return new TaskMade.Full();
  }

  @Override
  public TaskMade read(TaskId asked, byte[] reply, int replicas) {
    ByteBuffer in = ByteBuffer.wrap(reply);
    char word = (char) in.get();
    TaskId id = new TaskId(in.getLong(), in.getLong());
    Instant due = Packed.time(in);
    in.position(in.position() + 12);
    Instant created = Packed.time(in);
    return switch (word) {
      case 'e' -> new TaskMade.Made(made(id, TaskCodec.exact(due, created, early), created));
      case 'u' -> new TaskMade.Exists();
      case 'q' -> noQueue();
      default -> throw new IllegalStateException("the creation of " + asked + " replied " + word);
    };
  }

  private CloudTask made(TaskId id, Instant due, Instant created) {
    return new CloudTask(
        task.queue(),
        task.id() == null ? TaskNumber.of(id) : task.id(),
        id,
        task.spec(),
        task.echoed(),
        created,
        due,
        0,
        0,
        Optional.empty(),
        Optional.empty());
  }
}
