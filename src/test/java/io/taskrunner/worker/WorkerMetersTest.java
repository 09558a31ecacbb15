package io.taskrunner.worker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.taskrunner.store.WorkStore.Breaker;
import io.taskrunner.worker.WorkerMeters.Ending;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The metrics of a worker in a scrape. */
class WorkerMetersTest {

  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final WorkerMeters meters = new WorkerMeters(registry);

  private void shows(String line) {
    assertTrue(registry.scrape().lines().anyMatch(line::equals), registry.scrape());
  }

  @Test
  void metricsWithoutLabelsExistFromTheStart() {
    shows("task_runner_leases_lost_total 0.0");
    shows("task_runner_tasks_recovered_total 0.0");
    shows("task_runner_late_answers_total 0.0");
    shows("task_runner_circuit_breakers{state=\"open\"} 0.0");
    shows("task_runner_circuit_breakers{state=\"half_open\"} 0.0");
    shows("task_runner_attempt_duration_seconds_count 0");
    shows("task_runner_schedule_lag_seconds_bucket{le=\"0.01\"} 0");
  }

  @Test
  void anAttemptIsCountedByQueueAndOutcome() {
    meters.attempt("default", Ending.SUCCEEDED, 20_000_000);
    meters.attempt("default", Ending.RETRY, 20_000_000);
    meters.attempt("default", Ending.RETRY, 20_000_000);
    shows("task_runner_attempts_total{outcome=\"succeeded\",queue=\"default\"} 1.0");
    shows("task_runner_attempts_total{outcome=\"retry\",queue=\"default\"} 2.0");
    shows("task_runner_attempt_duration_seconds_bucket{le=\"0.01\"} 0");
    shows("task_runner_attempt_duration_seconds_bucket{le=\"0.025\"} 3");
  }

  @Test
  void queuesBeyondTheFirstHundredAreSummedAsOther() {
    for (int i = 0; i < 150; i++) {
      meters.attempt("queue-" + i, Ending.DEAD, 1);
    }
    assertNotNull(registry.find("task_runner_attempts").tag("queue", "queue-99").counter());
    assertNull(registry.find("task_runner_attempts").tag("queue", "queue-100").counter());
    shows("task_runner_attempts_total{outcome=\"dead\",queue=\"other\"} 50.0");
  }

  @Test
  void aHostIsListedWhileItsBreakerIsNotClosed() {
    meters.breakers(List.of(new Breaker("a:80", false), new Breaker("b:80", true)));
    shows("task_runner_circuit_breakers{state=\"open\"} 1.0");
    shows("task_runner_circuit_breakers{state=\"half_open\"} 1.0");
    shows("task_runner_circuit_breaker_state{host=\"a:80\",state=\"open\"} 1.0");
    meters.breakers(List.of(new Breaker("a:80", true)));
    shows("task_runner_circuit_breaker_state{host=\"a:80\",state=\"half_open\"} 1.0");
    assertEquals(
        1,
        registry
            .scrape()
            .lines()
            .filter(line -> line.startsWith("task_runner_circuit_breaker_state{"))
            .count());
    meters.breakers(List.of());
    shows("task_runner_circuit_breakers{state=\"half_open\"} 0.0");
  }
}
