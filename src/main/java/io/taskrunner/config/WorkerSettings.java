package io.taskrunner.config;

import java.time.Duration;

/**
 * Concurrency, time limits and shutdown of a worker.
 *
 * @param concurrency maximum number of concurrent attempts in this process
 * @param taskTimeout upper limit and default for one attempt
 * @param maxRetry default number of retries
 * @param lease how long a claim is valid without renewal
 * @param shutdownGrace how long running attempts may continue after SIGTERM
 * @param shutdownDrain how long calls are still served after SIGTERM, while not ready
 */
public record WorkerSettings(
    int concurrency,
    Duration taskTimeout,
    int maxRetry,
    Duration lease,
    Duration shutdownGrace,
    Duration shutdownDrain) {

  static WorkerSettings read(Env env) {
    env.section("The worker");
    return new WorkerSettings(
        env.integer(
            "WORKER_CONCURRENCY",
            10,
            1,
            10_000,
            "maximum number of concurrent attempts in this process"),
        env.seconds(
            "TASK_TIMEOUT_SEC",
            1800,
            1,
            86_400,
            "upper limit for one attempt; the default if neither the task nor its queue sets a timeout"),
        env.integer(
            "MAX_RETRY",
            5,
            0,
            100,
            "default number of retries; the API shows its own value, so set it alike for all processes"),
        env.seconds(
            "LEASE_SEC",
            30,
            5,
            3600,
            "how long a claim is valid without renewal; an attempt may take longer"),
        env.seconds(
            "SHUTDOWN_GRACE_SEC",
            30,
            0,
            3600,
            "how long running attempts may continue after SIGTERM"),
        env.seconds(
            "SHUTDOWN_DRAIN_SEC",
            0,
            0,
            300,
            "how long calls are still served after SIGTERM, while /health/ready is 503"));
  }
}
