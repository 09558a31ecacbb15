package io.taskrunner.telemetry;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.config.MeterFilter;
import java.time.Duration;
import java.util.Map;

/**
 * The names of the meters, as the contract lists them; a counter's {@code _total} is added by the
 * registry.
 */
public final class Meters {

  /** Tasks accepted, by {@code queue}. */
  public static final String TASKS_ENQUEUED = "task_runner_tasks_enqueued";

  /** Attempts that ended, by {@code queue} and {@code outcome}. */
  public static final String ATTEMPTS = "task_runner_attempts";

  /** How long attempts took. */
  public static final String ATTEMPT_DURATION = "task_runner_attempt_duration_seconds";

  /** From a task's due time to its start. */
  public static final String SCHEDULE_LAG = "task_runner_schedule_lag_seconds";

  /** Tasks in a queue, by {@code queue} and {@code state}. */
  public static final String QUEUE_TASKS = "task_runner_queue_tasks";

  /** How long the longest-waiting task could have started, by {@code queue}; 0 while paused. */
  public static final String QUEUE_OLDEST_READY = "task_runner_queue_oldest_ready_seconds";

  /** Tasks that could start, for each slot of the workers that are alive: for autoscaling. */
  public static final String READY_PER_SLOT = "task_runner_ready_per_slot";

  /** Slots of the workers that are alive and not stopping. */
  public static final String WORKER_SLOTS = "task_runner_worker_slots";

  /** 1, by {@code mode} and {@code version}: the processes that are scraped. */
  public static final String PROCESS = "task_runner_process";

  /** 1 while Redis answers this process, otherwise 0. */
  public static final String STORE_UP = "task_runner_store_up";

  /**
   * Memory in use of the fullest node, as a share of the amount from which enqueue calls are
   * rejected; not a number while there is no limit, or none is known.
   */
  public static final String STORE_USED_RATIO = "task_runner_store_used_ratio";

  /** Tasks rejected because the store was full. */
  public static final String STORE_FULL_REFUSALS = "task_runner_store_full_refusals";

  /** Calls rejected because their client exceeded its requests per minute. */
  public static final String RATE_LIMIT_REFUSALS = "task_runner_rate_limit_refusals";

  /** Breakers that are not closed, by {@code state}. */
  public static final String CIRCUIT_BREAKERS = "task_runner_circuit_breakers";

  /** 1 for each host whose breaker is not closed, by {@code host} and {@code state}. */
  public static final String CIRCUIT_BREAKER_STATE = "task_runner_circuit_breaker_state";

  /** Leases that this worker lost. */
  public static final String LEASES_LOST = "task_runner_leases_lost";

  /** Tasks recovered from workers that have died. */
  public static final String TASKS_RECOVERED = "task_runner_tasks_recovered";

  /** Verdicts that arrived too late to change anything. */
  public static final String LATE_ANSWERS = "task_runner_late_answers";

  /** Finished tasks dropped before their retention, by {@code set}. */
  public static final String TASKS_TRIMMED = "task_runner_tasks_trimmed";

  /** Round trips to Redis. */
  public static final String REDIS_COMMAND = "task_runner_redis_command_seconds";

  /** Calls answered, by {@code route}, {@code method} and {@code status}. */
  public static final String HTTP_REQUEST_DURATION = "task_runner_http_request_duration_seconds";

  /** The maximum number of queues named in labels; the rest is summed as {@link #OTHER}. */
  public static final int QUEUE_LABELS_MAX = 100;

  /** The label of everything beyond a bound. */
  public static final String OTHER = "other";

  private static final Duration[] BUCKETS = {
    Duration.ofMillis(1),
    Duration.ofNanos(2_500_000),
    Duration.ofMillis(5),
    Duration.ofMillis(10),
    Duration.ofMillis(25),
    Duration.ofMillis(50),
    Duration.ofMillis(100),
    Duration.ofMillis(250),
    Duration.ofMillis(500),
    Duration.ofSeconds(1),
    Duration.ofMillis(2500),
    Duration.ofSeconds(5),
    Duration.ofSeconds(10),
    Duration.ofSeconds(30),
    Duration.ofMinutes(1),
    Duration.ofMinutes(10),
    Duration.ofHours(1)
  };

  private static final Map<String, String> HELP =
      Map.ofEntries(
          Map.entry(TASKS_ENQUEUED, "Tasks accepted."),
          Map.entry(ATTEMPTS, "Attempts that ended."),
          Map.entry(ATTEMPT_DURATION, "How long attempts took."),
          Map.entry(SCHEDULE_LAG, "From a task's due time to its start."),
          Map.entry(QUEUE_TASKS, "Tasks in a queue."),
          Map.entry(
              QUEUE_OLDEST_READY,
              "How long the longest-waiting task could have started; 0 while paused."),
          Map.entry(READY_PER_SLOT, "Tasks that could start, per slot of the live workers."),
          Map.entry(WORKER_SLOTS, "Slots of the live workers."),
          Map.entry(PROCESS, "1 for each process."),
          Map.entry(STORE_UP, "Whether Redis answers this process."),
          Map.entry(
              STORE_USED_RATIO,
              "Memory in use of the fullest node, as a share of that from which tasks are rejected."),
          Map.entry(STORE_FULL_REFUSALS, "Tasks rejected because the store was full."),
          Map.entry(RATE_LIMIT_REFUSALS, "Tasks rejected because of their client's rate limit."),
          Map.entry(CIRCUIT_BREAKERS, "Circuit breakers that are not closed."),
          Map.entry(CIRCUIT_BREAKER_STATE, "1 for each host whose circuit breaker is not closed."),
          Map.entry(LEASES_LOST, "Leases that this worker lost."),
          Map.entry(TASKS_RECOVERED, "Tasks recovered from workers that died."),
          Map.entry(LATE_ANSWERS, "Results that arrived too late to change anything."),
          Map.entry(TASKS_TRIMMED, "Finished tasks deleted before the end of their retention."),
          Map.entry(REDIS_COMMAND, "Round trips to Redis."),
          Map.entry(HTTP_REQUEST_DURATION, "Calls answered."));

  private Meters() {}

  /** Gives each meter its description, which Prometheus shows. */
  public static MeterFilter described() {
    return new MeterFilter() {
      @Override
      public Meter.Id map(Meter.Id id) {
        String help = HELP.get(id.getName());
        return help == null
            ? id
            : new Meter.Id(
                id.getName(), Tags.of(id.getTags()), id.getBaseUnit(), help, id.getType());
      }
    };
  }

  /** A counter, starting at 0. */
  public static Counter counter(MeterRegistry registry, String name, String... labels) {
    return Counter.builder(name).tags(labels).register(registry);
  }

  /** A histogram of times, from 1 ms to an hour. */
  public static Timer timer(MeterRegistry registry, String name, String... labels) {
    return Timer.builder(name).serviceLevelObjectives(BUCKETS).tags(labels).register(registry);
  }
}
