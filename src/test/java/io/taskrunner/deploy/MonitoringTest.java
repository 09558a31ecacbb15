package io.taskrunner.deploy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.taskrunner.telemetry.Meters;
import java.io.IOException;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Alerts and the dashboard use existing metrics, and each alert has its runbook. */
class MonitoringTest {

  private static final Path ALERTS = Path.of("deploy/monitoring/alerts.yaml");
  private static final Path DASHBOARD = Path.of("deploy/monitoring/dashboard.json");
  private static final Path RUNBOOK = Path.of("docs/operating.md");
  private static final Pattern METRIC = Pattern.compile("task_runner_[a-z_]+");
  private static final Pattern ALERT = Pattern.compile("(?m)^ *- alert: (\\S+)$");
  private static final Pattern ROW = Pattern.compile("(?m)^\\| (TaskRunner\\w+) \\|");

  /** Each meter's name, as Prometheus may see it. */
  private static Set<String> measured() throws IllegalAccessException {
    Set<String> names = new HashSet<>();
    for (Field field : Meters.class.getFields()) {
      if (field.getType() == String.class && field.get(null) instanceof String name) {
        names.add(name);
        names.add(name + "_total");
        if (name.endsWith("_seconds")) {
          names.add(name + "_bucket");
          names.add(name + "_count");
          names.add(name + "_sum");
        }
      }
    }
    return names;
  }

  private static Set<String> found(Pattern pattern, String text) {
    return pattern
        .matcher(text)
        .results()
        .map(match -> match.groupCount() == 0 ? match.group() : match.group(1))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  @Test
  void everyQueriedMetricExists() throws Exception {
    for (Path file : List.of(ALERTS, DASHBOARD)) {
      Set<String> asked = found(METRIC, Files.readString(file));
      assertTrue(asked.size() > 8, file + " asks for " + asked);
      Set<String> unknown = new TreeSet<>(asked);
      unknown.removeAll(measured());
      assertEquals(Set.of(), unknown, file.toString());
    }
  }

  @Test
  void everyMeterHasADescription() throws Exception {
    MeterRegistry registry = new SimpleMeterRegistry();
    registry.config().meterFilter(Meters.described());
    for (Field field : Meters.class.getFields()) {
      if (field.getType() == String.class
          && field.get(null) instanceof String name
          && name.startsWith("task_runner_")) {
        String text = registry.counter(name).getId().getDescription();
        assertTrue(text != null && text.endsWith("."), name);
      }
    }
  }

  @Test
  void everyAlertHasExactlyOneRunbookEntry() throws IOException {
    assertEquals(found(ALERT, Files.readString(ALERTS)), found(ROW, Files.readString(RUNBOOK)));
  }

  @Test
  void everyDashboardPanelHasAQueryAndAUniqueTitle() throws IOException {
    JsonNode dashboard = new ObjectMapper().readTree(DASHBOARD.toFile());
    List<Integer> ids = new ArrayList<>();
    List<String> places = new ArrayList<>();
    for (JsonNode panel : dashboard.path("panels")) {
      ids.add(panel.path("id").asInt());
      places.add(panel.path("gridPos").path("x") + "," + panel.path("gridPos").path("y"));
      for (JsonNode target : panel.path("targets")) {
        Matcher metric = METRIC.matcher(target.path("expr").asText());
        assertTrue(metric.find(), panel.path("title").asText());
      }
    }
    assertEquals(ids.size(), new HashSet<>(ids).size());
    assertEquals(places.size(), new HashSet<>(places).size());
  }
}
