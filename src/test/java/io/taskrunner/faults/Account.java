package io.taskrunner.faults;

import io.taskrunner.store.redis.doctor.Finding;
import java.util.List;

/**
 * The fate of all calls and tasks, once all has come to rest.
 *
 * @param accepted calls answered with a 2xx
 * @param refused calls answered with a 503
 * @param broken calls without an answer: their connection ended
 * @param strange other answers, which no scenario expects
 * @param lost accepted tasks that never arrived
 * @param dead tasks that ended in {@code dead}
 * @param again deliveries beyond the first of each task
 * @param doubled calls, repeated with their key, that created more than one task
 * @param gapMillis the longest time without a successful enqueue
 * @param refusalMillis the longest time of a rejection
 * @param withoutRetryAfter rejections without {@code Retry-After}
 * @param replicasMin the least number of replicas in an answer
 * @param findings of the doctor
 */
record Account(
    int accepted,
    int refused,
    int broken,
    List<String> strange,
    int lost,
    long dead,
    int again,
    int doubled,
    long gapMillis,
    long refusalMillis,
    int withoutRetryAfter,
    int replicasMin,
    List<Finding> findings) {}
