package io.taskrunner.worker;

import java.time.Duration;

/** The settings of a worker, and its name. */
record WorkerOptions(
    String workerId, int concurrency, Duration taskTimeout, int maxRetry, Duration lease) {}
