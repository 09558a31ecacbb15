package io.taskrunner.worker;

/**
 * The status of a worker, for {@code /health/detailed}.
 *
 * @param id 16 hexadecimal characters, new at each start
 * @param slots maximum number of concurrent attempts
 * @param running attempts that it runs now
 * @param claimed tasks claimed since it started
 * @param settled verdicts accepted by the store since it started
 * @param unsettled verdicts that wait to be delivered
 * @param storeAway whether it waits for the store to be available again
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
