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

/** The moves of a worker in one shard. All methods block, and raise {@link StoreUnavailable}. */
public interface WorkStore {

  /**
   * Delivers verdicts and asks for tasks, in one round trip. Both parts can be repeated after an
   * unknown result: verdicts are settled once, and a claim with the same request number gives the
   * same answer, less what is no longer this worker's.
   *
   * @param verdicts at most 200; may be empty
   * @param claim what to ask for
   */
  Exchange exchange(List<Settlement> verdicts, ClaimRequest claim);

  /**
   * Delivers verdicts alone; as in {@link #exchange} the answer may cover the first of them only.
   */
  List<Settled> settle(String workerId, List<Settlement> verdicts);

  /**
   * Keeps leases.
   *
   * @param running each task that really runs here, at most 250
   * @return those that are not this worker's any more, or were cancelled
   */
  List<Ended> renew(String workerId, Duration lease, List<Running> running);

  /**
   * Listens for messages to this worker until closed; survives reconnects. While the store is away,
   * each exchange tries to begin.
   *
   * @param workerId 16 hexadecimal characters
   */
  AutoCloseable listen(String workerId, Listener listener);

  /** Takes a worker off the idle list, for shutdown. */
  void leave(String workerId);

  /** Hosts whose breaker is not closed, at most 100. */
  List<Breaker> breakers();

  /**
   * A worker's wish.
   *
   * @param workerId 16 hexadecimal characters
   * @param request rises by one with each new wish; the same when one is repeated
   * @param slots at most so many tasks, 0 to 100; 0 only beats
   * @param lease for each
   * @param maxRetries the worker's default, for leases that it takes back
   * @param express at most so many tasks more, of those that {@link CloudStore#run} called for
   */
  record ClaimRequest(
      String workerId, long request, int slots, Duration lease, int maxRetries, int express) {

    /** A wish for nothing that was called for. */
    public ClaimRequest(String workerId, long request, int slots, Duration lease, int maxRetries) {
      this(workerId, request, slots, lease, maxRetries, 0);
    }
  }

  /**
   * What came of an exchange.
   *
   * @param settled one for each verdict, in order; fewer when the store had enough: the others are
   *     to be delivered again
   * @param claims tasks to perform, in order
   * @param again whether there may be more at once
   * @param lookAgainIn the longest that this worker should wait without a message
   * @param recovered ended leases that this claim took back
   * @param weight the sum of the weights of the queues that can be served
   * @param atGates tasks that are claimed too, and must pass a gate before they may begin
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
   * known whether they may begin.
   *
   * @param count how many
   * @param answer comes within seconds, and never fails: a gate that does not answer refuses
   */
  record AtGates(int count, CompletionStage<GateAnswer> answer) {
    /** No such tasks. */
    public static final AtGates NONE =
        new AtGates(0, CompletableFuture.completedStage(new GateAnswer(List.of(), List.of())));
  }

  /**
   * What became of tasks at their gates.
   *
   * @param passed may begin
   * @param refused are to be settled as held
   */
  record GateAnswer(List<Claim> passed, List<Refused> refused) {}

  /** A task that a gate refused. */
  record Refused(Claim claim, Verdict.Hold verdict) {}

  /** A lease that was taken back from a worker that is gone. */
  record Recovered(TaskId id, String queue, boolean dead) {}

  /**
   * A task in a worker's hands.
   *
   * @param id the task
   * @param number of the claim; grows with each
   * @param clientId whose it is
   * @param queue the name of its queue
   * @param queueRetry what the queue says of retries
   * @param queueTimeout what the queue says of the time for an attempt
   * @param attempt the number of this attempt, from 1
   * @param answersBelow500 received before
   * @param previousStatus the target's last status; 504 after a timeout; empty when none came, or
   *     on the first
   * @param due when this attempt was due
   * @param firstAttempt when the first attempt began; empty on the first
   * @param now the store's time of the claim
   * @param probe whether the attempt tries out a half-open breaker
   * @param spec the request and its settings
   * @param cloud what a task of a queue of {@link CloudStore} has beside; null for others
   * @param signing the version of the secrets that its client's requests are signed with, or a
   *     later one; 0 when they are not signed
   */
  record Claim(
      TaskId id,
      long number,
      String clientId,
      String queue,
      Retry queueRetry,
      @Nullable Duration queueTimeout,
      int attempt,
      int answersBelow500,
      OptionalInt previousStatus,
      Instant due,
      Optional<Instant> firstAttempt,
      Instant now,
      boolean probe,
      TaskSpec spec,
      @Nullable Cloud cloud,
      long signing) {

    /** One that is none of {@link CloudStore}, and not signed. */
    public Claim(
        TaskId id,
        long number,
        String clientId,
        String queue,
        Retry queueRetry,
        @Nullable Duration queueTimeout,
        int attempt,
        int answersBelow500,
        OptionalInt previousStatus,
        Instant due,
        Optional<Instant> firstAttempt,
        Instant now,
        boolean probe,
        TaskSpec spec) {
      this(
          id,
          number,
          clientId,
          queue,
          queueRetry,
          queueTimeout,
          attempt,
          answersBelow500,
          previousStatus,
          due,
          firstAttempt,
          now,
          probe,
          spec,
          null,
          0);
    }

    /** The same task with another spec. */
    public Claim with(TaskSpec other) {
      return new Claim(
          id,
          number,
          clientId,
          queue,
          queueRetry,
          queueTimeout,
          attempt,
          answersBelow500,
          previousStatus,
          due,
          firstAttempt,
          now,
          probe,
          other,
          cloud,
          signing);
    }

    /** Whether {@link CloudStore#run} called for this attempt. */
    public boolean express() {
      return cloud != null && cloud.calledFor().isPresent();
    }
  }

  /**
   * What a task of a queue of {@link CloudStore} has beside.
   *
   * @param queueId the last part of the name of its queue
   * @param taskName the last part of its own name
   * @param retry the rule of its queue
   * @param echoed the task as the protocol writes it, as it was given
   * @param calledFor when {@link CloudStore#run} called for this attempt; empty when it did not
   */
  record Cloud(
      String queueId,
      String taskName,
      CloudRetryPolicy retry,
      byte[] echoed,
      Optional<Instant> calledFor) {}

  /** A task that runs here. */
  record Running(TaskId id, long claim) {}

  /** A task that must not run here any more. */
  record Ended(TaskId id, long claim, boolean cancelled) {}

  /**
   * A verdict to deliver.
   *
   * @param id the task
   * @param claim its number
   * @param verdict what follows
   * @param attempt for the task's log; null when none was made (put back, cut off)
   * @param age the time since the outcome was known, which retries count from
   * @param breaker what the attempt says of its host
   */
  record Settlement(
      TaskId id,
      long claim,
      Verdict verdict,
      @Nullable Attempt attempt,
      Duration age,
      BreakerReport breaker) {}

  /** What an attempt says of its host's breaker. */
  sealed interface BreakerReport {
    /** Nothing. */
    record None() implements BreakerReport {}

    /** The host answered well. Only of use for a probe. */
    record Good() implements BreakerReport {}

    /**
     * The host failed.
     *
     * @param inARow how often in a row, as this worker saw it; not of use for a probe
     */
    record Failed(int inARow) implements BreakerReport {}
  }

  /**
   * A breaker that a call of this worker changed, or a host that it found open when it reported too
   * many failures.
   *
   * @param host and port
   * @param probeIn when probes may go out
   */
  record BreakerChange(String host, Change change, Duration probeIn) {

    /** What became of it. */
    public enum Change {
      /** It was closed. */
      OPENED,
      /** Its probes failed. */
      REOPENED,
      /** Its first probe goes out. */
      HALF_OPEN,
      /** Enough probes went well, or breakers were switched off. */
      CLOSED,
      /** Nothing: it is open, or half-open, already. */
      IS_OPEN
    }
  }

  /** What came of a verdict. */
  enum Settled {
    /** It was taken. */
    DONE,
    /** It was taken before. */
    REPEATED,
    /** The task was not this worker's any more; nothing changed. */
    LATE
  }

  /**
   * A breaker that is not closed.
   *
   * @param host and port
   * @param halfOpen whether probes are out, or may go out
   */
  record Breaker(String host, boolean halfOpen) {}

  /** Hears what is sent to a worker. Called on a thread of the store: must not block. */
  interface Listener {
    /** There may be something to claim. */
    void wake();

    /** There is a task that {@link CloudStore#run} called for: any worker may take it. */
    default void express() {
      wake();
    }

    /** There is something to do in the next exchange, whether or not a slot is free. */
    default void tend() {
      wake();
    }

    /** A breaker changed. */
    default void breaker(BreakerChange change) {}

    /** A task that may run here was cancelled. */
    void cancelled(TaskId id);

    /**
     * The connection to the store was lost and stands again: messages, and what was answered just
     * before, may be lost.
     */
    default void reconnected() {}
  }
}
