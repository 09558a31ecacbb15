package io.taskrunner.cloudtasks;

import io.taskrunner.store.CloudStore.QueueName;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The names of Google's resources, each matched completely. */
final class Names {

  private static final String PROJECT = "projects/([A-Za-z0-9:.-]{1,200})";
  private static final String LOCATION = PROJECT + "/locations/([A-Za-z0-9-]{1,100})";
  private static final String QUEUE = LOCATION + "/queues/([A-Za-z0-9-]{1,100})";
  private static final String TASK_ID = "[A-Za-z0-9_-]{1,500}";

  private static final Pattern PROJECT_NAME = Pattern.compile(PROJECT);
  private static final Pattern LOCATION_NAME = Pattern.compile(LOCATION);
  private static final Pattern QUEUE_NAME = Pattern.compile(QUEUE);
  private static final Pattern TASK_NAME =
      Pattern.compile("(" + QUEUE + ")/tasks/(.*)", Pattern.DOTALL);
  private static final Pattern TASK = Pattern.compile(TASK_ID);

  private static final String REFERENCE =
      "https://cloud.google.com/tasks/docs/reference/rest/v2/projects.locations.queues";

  private Names() {}

  /** A location of a project. */
  record LocationName(String project, String location) {
    @Override
    public String toString() {
      return "projects/" + project + "/locations/" + location;
    }
  }

  /** A task of a queue. */
  record TaskName(QueueName queue, String id) {
    @Override
    public String toString() {
      return queue + "/tasks/" + id;
    }
  }

  /** The id of a project by its name. */
  static String project(String name) {
    Matcher parts = PROJECT_NAME.matcher(name);
    if (!parts.matches()) {
      throw Failure.invalid("Project name must be formatted: \"projects/<PROJECT_ID>\".");
    }
    return parts.group(1);
  }

  static LocationName location(String name) {
    Matcher parts = LOCATION_NAME.matcher(name);
    if (!parts.matches()) {
      throw Failure.invalid(
          "Location name must be formatted: \"projects/<PROJECT_ID>/locations/<LOCATION_ID>\".");
    }
    return new LocationName(parts.group(1), parts.group(2));
  }

  static QueueName queue(String name) {
    Matcher parts = QUEUE_NAME.matcher(name);
    if (!parts.matches()) {
      throw Failure.invalid(
          "Queue name must be formatted:"
              + " \"projects/<PROJECT_ID>/locations/<LOCATION_ID>/queues/<QUEUE_ID>\".",
          "Definition of queue name",
          REFERENCE + "#Queue.FIELDS.name");
    }
    return new QueueName(parts.group(1), parts.group(2), parts.group(3));
  }

  static TaskName task(String name) {
    Matcher parts = TASK_NAME.matcher(name);
    if (!parts.matches()) {
      throw Failure.invalid(
          "Task name must be formatted:"
              + " \"projects/<PROJECT_ID>/locations/<LOCATION_ID>/queues/<QUEUE_ID>/tasks/<TASK_ID>\".",
          "Definition of task name",
          REFERENCE + ".tasks#Task.FIELDS.name");
    }
    String id = parts.group(5);
    if (!TASK.matcher(id).matches()) {
      throw Failure.invalid(
          "Task ID \""
              + (id.length() > 500 ? id.substring(0, 500) + "…" : id)
              + "\" can contain only letters ([A-Za-z]), numbers ([0-9]), hyphens (-), or"
              + " underscores (_). Task ID must between 1 and 500 characters.",
          "Definition of task ID",
          REFERENCE + ".tasks#Task.FIELDS.name");
    }
    return new TaskName(queue(parts.group(1)), id);
  }
}
