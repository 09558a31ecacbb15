package io.taskrunner.config;

import java.time.Duration;

/**
 * Limits of Google Cloud Tasks that operators may want to change.
 *
 * @param maxSchedule how far ahead a task may be scheduled
 * @param queueReuse how long the name of a deleted queue stays reserved; zero for not at all
 * @param taskReuse how long the name of a finished task stays reserved
 * @param autoCreateQueues whether creating a task creates a missing queue
 * @param tokensNeedHttps whether a task with a token must have an https URL
 */
public record CloudTasksSettings(
    Duration maxSchedule,
    Duration queueReuse,
    Duration taskReuse,
    boolean autoCreateQueues,
    boolean tokensNeedHttps) {

  static CloudTasksSettings read(Env env) {
    env.section("Google Cloud Tasks");
    return new CloudTasksSettings(
        Duration.ofDays(
            env.integer(
                "CLOUD_TASKS_MAX_SCHEDULE_DAYS",
                30,
                1,
                3650,
                "how far ahead a task may be scheduled; Google: 30")),
        env.seconds(
            "CLOUD_TASKS_QUEUE_REUSE_SEC",
            604_800,
            0,
            31_536_000,
            "how long the name of a deleted queue stays reserved; Google: 7 days"),
        env.seconds(
            "CLOUD_TASKS_TASK_REUSE_SEC",
            3600,
            0,
            31_536_000,
            "how long the name of a finished task stays reserved; Google: about an hour"),
        env.flag(
            "CLOUD_TASKS_AUTO_CREATE_QUEUES",
            false,
            "whether creating a task creates a missing queue, with Google's defaults"),
        env.flag(
            "CLOUD_TASKS_TOKENS_NEED_HTTPS",
            false,
            "whether a task that asks for a token must have an https URL, as at Google"));
  }
}
