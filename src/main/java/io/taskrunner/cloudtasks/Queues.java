package io.taskrunner.cloudtasks;

import com.google.cloud.tasks.v2.DeleteQueueRequest;
import com.google.cloud.tasks.v2.GetQueueRequest;
import com.google.cloud.tasks.v2.ListQueuesRequest;
import com.google.cloud.tasks.v2.PauseQueueRequest;
import com.google.cloud.tasks.v2.PurgeQueueRequest;
import com.google.cloud.tasks.v2.ResumeQueueRequest;
import com.google.iam.v1.Policy;
import com.google.protobuf.Empty;
import com.google.rpc.Code;
import io.taskrunner.cloudtasks.Names.LocationName;
import io.taskrunner.cloudtasks.v1.CreateQueueRequest;
import io.taskrunner.cloudtasks.v1.HttpTarget;
import io.taskrunner.cloudtasks.v1.ListQueuesResponse;
import io.taskrunner.cloudtasks.v1.Queue;
import io.taskrunner.cloudtasks.v1.UpdateQueueRequest;
import io.taskrunner.http.call.Caller;
import io.taskrunner.store.CloudStore;
import io.taskrunner.store.CloudStore.CloudQueue;
import io.taskrunner.store.CloudStore.QueueMade;
import io.taskrunner.store.CloudStore.QueueName;
import io.taskrunner.store.CloudStore.Settings;
import io.taskrunner.store.PageTokens;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The calls about queues. All block. */
final class Queues {

  private static final Logger LOG = LoggerFactory.getLogger(Queues.class);

  static final String NO_QUEUE =
      "Queue does not exist. If you just created the queue, wait at least a minute for the queue to"
          + " initialize.";

  private static final int PAGE_MAX = 9800;

  /** The number of queues read at once while a filter looks for matches. */
  private static final int CHUNK = 1000;

  private static final long TARGET_NANOS = Duration.ofSeconds(1).toNanos();

  private static final int TARGETS_MAX = 10_000;

  private final CloudStore store;
  private final Guard guard;
  private final Tokens tokens;
  private final Duration reuse;
  private final PageTokens pageTokens;
  private final InstantSource clock;
  private final ConcurrentHashMap<QueueName, SeenTarget> targets = new ConcurrentHashMap<>();

  /** The httpTarget of a queue, as it was at a moment of {@link System#nanoTime}. */
  private record SeenTarget(Optional<HttpTarget> target, long at) {}

  Queues(
      CloudStore store,
      Guard guard,
      Tokens tokens,
      Duration reuse,
      PageTokens pageTokens,
      InstantSource clock) {
    this.pageTokens = pageTokens;
    this.store = store;
    this.guard = guard;
    this.tokens = tokens;
    this.reuse = reuse;
    this.clock = clock;
  }

  /**
   * The start of the page of a token; null for the first one.
   *
   * @param listed the collection and the filter of the list
   * @throws Failure the token is not accepted
   */
  static @Nullable String cursor(PageTokens tokens, String listed, String token) {
    try {
      return token.isEmpty() ? null : tokens.read(listed, token);
    } catch (PageTokens.BadToken bad) {
      throw Failure.invalid(
          bad.hasExpired()
              ? "The page token has expired; list from the first page again."
              : "The page token is not valid: it can be used only with the parent and filter of the"
                  + " response that it is from.");
    }
  }

  ListQueuesResponse list(ListQueuesRequest request, Caller caller) {
    LocationName parent = Names.location(request.getParent());
    guard.admit(caller, parent.toString());
    int size = pageSize(request.getPageSize(), PAGE_MAX);
    Predicate<com.google.cloud.tasks.v2.Queue.State> filter = Filter.parse(request.getFilter());
    String listed = parent + " " + request.getFilter();
    @Nullable String after = cursor(pageTokens, listed, request.getPageToken());
    List<CloudQueue> page = new ArrayList<>();
    while (true) {
      List<CloudQueue> chunk = store.queues(parent.project(), parent.location(), after, CHUNK);
      for (CloudQueue queue : chunk) {
        if (filter.test(QueueRules.state(queue))) {
          if (page.size() == size) {
            return listed(page)
                .setNextPageToken(pageTokens.make(listed, page.getLast().name().id()))
                .build();
          }
          page.add(queue);
        }
      }
      if (chunk.size() < CHUNK) {
        return listed(page).build();
      }
      after = chunk.getLast().name().id();
    }
  }

  private static ListQueuesResponse.Builder listed(List<CloudQueue> queues) {
    ListQueuesResponse.Builder listed = ListQueuesResponse.newBuilder();
    queues.forEach(queue -> listed.addQueues(QueueRules.shown(queue)));
    return listed;
  }

  /** The requested size of a page. */
  static int pageSize(int asked, int max) {
    if (asked < 0) {
      throw Failure.invalid("The page size cannot be negative.");
    }
    return asked == 0 ? max : Math.min(asked, max);
  }

  Queue get(GetQueueRequest request, Caller caller) {
    QueueName name = named(request.getName(), caller);
    return QueueRules.shown(store.queue(name).orElseThrow(Queues::noQueue));
  }

  Queue create(CreateQueueRequest request, Caller caller) {
    LocationName parent = Names.location(request.getParent());
    QueueName name = named(request.getQueue().getName(), caller);
    if (!name.project().equals(parent.project()) || !name.location().equals(parent.location())) {
      throw Failure.invalid(
          "The parent ('" + parent + "') must be that of the queue ('" + name + "').");
    }
    admitToken(request.getQueue(), caller);
    Queue whole = QueueRules.whole(request.getQueue());
    Settings settings = QueueRules.settings(whole, Policy.getDefaultInstance());
    return switch (store.make(name, settings, reuse)) {
      case QueueMade.Made made -> made(made.queue(), caller);
      case QueueMade.Exists _ -> throw new Failure(Code.ALREADY_EXISTS, "Queue already exists");
      case QueueMade.TooRecent _ -> throw tooRecent();
    };
  }

  private Queue made(CloudQueue queue, Caller caller) {
    tell("queue created", queue.name(), caller);
    return seen(queue);
  }

  private Queue seen(CloudQueue queue) {
    Queue shown = QueueRules.shown(queue);
    see(queue.name(), shown);
    return shown;
  }

  private static Failure tooRecent() {
    return new Failure(
        Code.FAILED_PRECONDITION,
        "The queue cannot be created because a queue with this name existed too recently.");
  }

  Queue update(UpdateQueueRequest request, Caller caller) {
    QueueName name = named(request.getQueue().getName(), caller);
    admitToken(request.getQueue(), caller);
    List<String> paths = request.getUpdateMask().getPathsList();
    while (true) {
      Optional<CloudQueue> before = store.queue(name);
      Queue old =
          before
              .map(queue -> QueueRules.stored(queue).getQueue())
              .orElse(Queue.getDefaultInstance());
      Policy policy =
          before
              .map(queue -> QueueRules.stored(queue).getPolicy())
              .orElse(Policy.getDefaultInstance());
      Queue whole = QueueRules.whole(QueueRules.changed(old, request.getQueue(), paths));
      Settings settings = QueueRules.settings(whole, policy);
      if (before.isPresent()) {
        Optional<CloudQueue> changed = store.change(name, settings);
        if (changed.isPresent()) {
          tell("queue changed", name, caller);
          return seen(changed.get());
        }
      } else {
        switch (store.make(name, settings, reuse)) {
          case QueueMade.Made made -> {
            return made(made.queue(), caller);
          }
          case QueueMade.TooRecent _ -> throw tooRecent();
          case QueueMade.Exists _ -> {} // another call created it meanwhile
        }
      }
    }
  }

  Empty delete(DeleteQueueRequest request, Caller caller) {
    QueueName name = named(request.getName(), caller);
    if (!store.delete(name)) {
      throw new Failure(Code.NOT_FOUND, "Requested entity was not found.");
    }
    targets.remove(name);
    tell("queue deleted", name, caller);
    return Empty.getDefaultInstance();
  }

  Queue purge(PurgeQueueRequest request, Caller caller) {
    QueueName name = named(request.getName(), caller);
    CloudQueue purged = store.purge(name).orElseThrow(Queues::noQueue);
    tell("queue purged", name, caller);
    return QueueRules.shown(purged);
  }

  Queue pause(PauseQueueRequest request, Caller caller) {
    return paused(named(request.getName(), caller), true, caller);
  }

  Queue resume(ResumeQueueRequest request, Caller caller) {
    return paused(named(request.getName(), caller), false, caller);
  }

  private Queue paused(QueueName name, boolean paused, Caller caller) {
    CloudQueue queue = store.pause(name, paused).orElseThrow(Queues::noQueue);
    tell(paused ? "queue paused" : "queue resumed", name, caller);
    return QueueRules.shown(queue);
  }

  /** Creates a queue with default settings; false when its name was deleted too recently. */
  boolean makePlain(QueueName name, Caller caller) {
    Settings plain =
        QueueRules.settings(
            QueueRules.whole(Queue.getDefaultInstance()), Policy.getDefaultInstance());
    return switch (store.make(name, plain, reuse)) {
      case QueueMade.Made made -> {
        var unused = made(made.queue(), caller);
        yield true;
      }
      case QueueMade.Exists _ -> true;
      case QueueMade.TooRecent _ -> false;
    };
  }

  /**
   * The overrides of a queue for its tasks, at most a second old. Never blocks.
   *
   * @return null when it must be looked up
   */
  @Nullable Optional<HttpTarget> knownTarget(QueueName name) {
    SeenTarget seen = targets.get(name);
    return seen == null || System.nanoTime() - seen.at() > TARGET_NANOS ? null : seen.target();
  }

  /** Like {@link #knownTarget}. Blocks. */
  Optional<HttpTarget> target(QueueName name) {
    long at = System.nanoTime();
    Optional<CloudQueue> queue = store.queue(name);
    if (queue.isEmpty()) {
      return Optional.empty();
    }
    return see(name, QueueRules.stored(queue.get()).getQueue(), at);
  }

  private void see(QueueName name, Queue queue) {
    var unused = see(name, queue, System.nanoTime());
  }

  private Optional<HttpTarget> see(QueueName name, Queue queue, long at) {
    Optional<HttpTarget> target =
        queue.hasHttpTarget() ? Optional.of(queue.getHttpTarget()) : Optional.empty();
    if (targets.size() >= TARGETS_MAX) {
      targets.clear();
    }
    targets.put(name, new SeenTarget(target, at));
    return target;
  }

  private QueueName named(String text, Caller caller) {
    QueueName name = Names.queue(text);
    guard.admit(caller, name.toString());
    return name;
  }

  private void admitToken(Queue queue, Caller caller) {
    HttpTargets.account(queue.getHttpTarget()).ifPresent(account -> tokens.admit(caller, account));
  }

  static Failure noQueue() {
    return new Failure(Code.NOT_FOUND, NO_QUEUE);
  }

  private static void tell(String what, QueueName name, Caller caller) {
    LOG.atInfo()
        .addKeyValue("caller", caller.name())
        .addKeyValue("queue", name.toString())
        .log(what);
  }
}
