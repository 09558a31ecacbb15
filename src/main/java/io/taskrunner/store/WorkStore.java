package io.taskrunner.store;

import io.taskrunner.task.Attempt;
import io.taskrunner.task.CloudRetryPolicy;
import io.taskrunner.task.Retry;
import io.taskrunner.task.Task.TaskSpec;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.Verdict;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/** Operations of a worker in one shard. All methods block, and raise {@link StoreUnavailable}. */
public interface WorkStore {

  /**
   * Delivers verdicts and asks for tasks, in one round trip. Both parts can be repeated after an
   * unknown result: verdicts are settled once, and a claim with the same request number returns the
   * same result, less tasks that this worker no longer holds.
   *
   * @param verdicts at most 200; may be empty
   * @param claim the request for tasks
   */
  Exchange exchange(List<Settlement> verdicts, ClaimRequest claim);

  /**
   * Delivers only verdicts; as in {@link #exchange}, the result may cover only the first of them.
   */
  List<Settled> settle(String workerId, List<Settlement> verdicts);

  /**
   * Renews leases.
   *
   * @param running each task that is running here, at most 250
   * @return the tasks that this worker no longer holds, or that were cancelled
   */
  List<Ended> renew(String workerId, Duration lease, List<Running> running);

  /**
   * Listens for messages to this worker until closed; survives reconnects. While the store is
   * unavailable, each exchange tries to subscribe.
   *
   * @param workerId 16 hexadecimal characters
   */
  AutoCloseable listen(String workerId, Listener listener);

  /** Takes a worker off the idle list, for shutdown. */
  void leave(String workerId);

  /** Hosts whose breaker is not closed, at most 100. */
  List<Breaker> breakers();

  /**
   * What a worker asks for in one claim.
   *
   * @param workerId 16 hexadecimal characters
   * @param request increases by one with each new claim; the same when a claim is repeated
   * @param slots maximum number of tasks, 0 to 100; 0 sends only a heartbeat
   * @param lease the lease of each task
   * @param maxRetries the worker's default, for expired leases that it recovers
   * @param express maximum number of additional tasks, of those that {@link CloudStore#run}
   *     requested
   */
  record ClaimRequest(
      String workerId, long request, int slots, Duration lease, int maxRetries, int express) {}

  /**
   * The result of an exchange.
   *
   * @param settled one for each verdict, in order; fewer when the store reached its budget: the
   *     others must be delivered again
   * @param claims tasks to perform, in order
   * @param again whether more may be available immediately
   * @param lookAgainIn the longest time that this worker should wait without a message
   * @param recovered expired leases that this claim recovered
   * @param weight the sum of the weights of the queues that can be served
   * @param atGates tasks that are claimed too, but must pass a gate before they may start
   */
  record Exchange(
      List<Settled> settled,
      List<Claim> claims,
      boolean again,
      Duration lookAgainIn,
      List<Recovered> recovered,
      double weight,
      AtGates atGates) {}

  /**
   * Claimed tasks whose queue or host has a limit over all shards. They hold slots until it is
   * known whether they may start.
   *
   * @param count how many
   * @param answer completes within seconds, and never exceptionally: a gate that does not respond
   *     rejects
   */
  record AtGates(int count, CompletionStage<GateAnswer> answer) {
    /** No such tasks. */
    public static final AtGates NONE =
        new AtGates(0, CompletableFuture.completedStage(new GateAnswer(List.of(), List.of())));
  }

  /**
   * The result of tasks at their gates.
   *
   * @param passed tasks that may start
   * @param refused tasks that must be settled as held
   */
  record GateAnswer(List<Claim> passed, List<Refused> refused) {}

  /** A task that a gate rejected. */
  record Refused(Claim claim, Verdict.Hold verdict) {}

  /** An expired lease that was recovered from a lost worker. */
  record Recovered(TaskId id, String queue, boolean dead) {}

  /**
   * A task that a worker holds.
   *
   * @param id the task
   * @param number of the claim; increases with each
   * @param clientId its owner
   * @param rules of its queue
   * @param start of the attempt that the claim allows
   * @param spec the request and its settings
   * @param cloud additional data of a task of a queue of {@link CloudStore}; null for others
   * @param signing the version of the secrets that its client's requests are signed with, or of a
   *     later one; 0 when they are not signed
   */
  record Claim(
      TaskId id,
      long number,
      String clientId,
      QueueRules rules,
      Start start,
      TaskSpec spec,
      @Nullable Cloud cloud,
      long signing) {

    /** The same task with another spec. */
    public Claim with(TaskSpec other) {
      return new Claim(id, number, clientId, rules, start, other, cloud, signing);
    }

    /** The name of its queue. */
    public String queue() {
      return rules.name();
    }

    /** Whether {@link CloudStore#run} requested this attempt. */
    public boolean express() {
      return cloud != null && cloud.calledFor().isPresent();
    }
  }

  /**
   * The rules of a queue for the attempts of its tasks.
   *
   * @param name of the queue
   * @param retry its retry settings
   * @param timeout of an attempt; null when unset
   * @param cloud the retry rule of a queue of {@link CloudStore}, which takes precedence; null for
   *     others
   */
  record QueueRules(
      String name, Retry retry, @Nullable Duration timeout, @Nullable CloudRetryPolicy cloud) {}

  /**
   * What is known at the start of an attempt.
   *
   * @param attempt its number, from 1
   * @param answersBelow500 responses below 500 received so far
   * @param previousStatus the target's last status; 504 after a timeout; empty when none was
   *     received, or on the first
   * @param due when it was due
   * @param first when the first attempt began; empty on the first
   * @param now the store's time of the claim
   * @param probe whether it is a probe of a half-open breaker
   */
  record Start(
      int attempt,
      int answersBelow500,
      OptionalInt previousStatus,
      Instant due,
      Optional<Instant> first,
      Instant now,
      boolean probe) {}

  /**
   * Additional data of a task of a queue of {@link CloudStore}.
   *
   * @param queueId the last part of the name of its queue
   * @param taskName the last part of its own name
   * @param echoed the task as the protocol encodes it, as received
   * @param calledFor when {@link CloudStore#run} requested this attempt; empty when it did not
   */
  record Cloud(String queueId, String taskName, byte[] echoed, Optional<Instant> calledFor) {}

  /** A task that is running here. */
  record Running(TaskId id, long claim) {}

  /** A task that must no longer run here. */
  record Ended(TaskId id, long claim, boolean cancelled) {}

  /**
   * A verdict to deliver.
   *
   * @param id the task
   * @param claim its number
   * @param verdict the verdict
   * @param attempt for the task's log; null when none was made (put back, aborted)
   * @param age the time since the outcome was known, from which retry delays count
   * @param breaker the attempt's evidence for the breaker of its host
   */
  record Settlement(
      TaskId id,
      long claim,
      Verdict verdict,
      @Nullable Attempt attempt,
      Duration age,
      BreakerReport breaker) {}

  /** An attempt's evidence for its host's breaker. */
  sealed interface BreakerReport {
    /** Nothing. */
    record None() implements BreakerReport {}

    /** The host succeeded. Only relevant for a probe. */
    record Good() implements BreakerReport {}

    /**
     * The host failed.
     *
     * @param inARow number of consecutive failures that this worker saw; not relevant for a probe
     */
    record Failed(int inARow) implements BreakerReport {}
  }

  /**
   * A breaker that a call of this worker changed, or that was already open when it reported too
   * many failures.
   *
   * @param host and port
   * @param probeIn when probes may be sent
   */
  record BreakerChange(String host, Change change, Duration probeIn) {

    /** The change. */
    public enum Change {
      /** It was closed. */
      OPENED,
      /** Its probes failed. */
      REOPENED,
      /** Its first probe is sent. */
      HALF_OPEN,
      /** Enough probes succeeded, or breakers were disabled. */
      CLOSED,
      /** No change: it is already open or half-open. */
      IS_OPEN
    }
  }

  /** The result of a verdict. */
  enum Settled {
    /** It was accepted. */
    DONE,
    /** It was accepted before. */
    REPEATED,
    /** This worker no longer held the task; nothing changed. */
    LATE
  }

  /**
   * A breaker that is not closed.
   *
   * @param host and port
   * @param halfOpen whether probes are running or may be sent
   */
  record Breaker(String host, boolean halfOpen) {}

  /** Receives the messages to a worker. Called on a thread of the store: must not block. */
  interface Listener {
    /** There may be tasks to claim. */
    void wake();

    /** There is a task that {@link CloudStore#run} requested: any worker may take it. */
    default void express() {
      wake();
    }

    /** There is work for the next exchange, whether or not a slot is free. */
    default void tend() {
      wake();
    }

    /** A breaker changed. */
    default void breaker(BreakerChange change) {}

    /** A task that may run here was cancelled. */
    void cancelled(TaskId id);

    /**
     * The connection to the store was lost and is established again: messages, and writes
     * acknowledged just before, may be lost.
     */
    default void reconnected() {}
  }
}
