package io.taskrunner.worker;

/**
 * What a worker is doing, for {@code /health/detailed}.
 *
 * @param id 16 hexadecimal characters, new at each start
 * @param slots maximum number of concurrent attempts
 * @param running attempts that it runs now
 * @param claimed tasks that it was given since it started
 * @param settled verdicts that the store took since it started
 * @param unsettled verdicts that wait to be delivered
 * @param storeAway whether it waits for the store to come back
 * @param stopping whether it takes no more tasks tasks
 */
public record WorkerStatus(
    String id,
    int slots,
    int running,
    long claimed,
    long settled,
    int unsettled,
    boolean storeAway,
    boolean stopping) {

  /** Two parts of one worker, with the same slots. */
  WorkerStatus and(WorkerStatus other) {
    return new WorkerStatus(
        id,
        slots,
        running + other.running,
        claimed + other.claimed,
        settled + other.settled,
        unsettled + other.unsettled,
        storeAway || other.storeAway,
        stopping || other.stopping);
  }
}
