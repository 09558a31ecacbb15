package io.taskrunner.deploy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.marcnuri.helm.Helm;
import com.marcnuri.helm.InstallCommand;
import com.marcnuri.helm.LintResult;
import com.marcnuri.helm.TemplateCommand;
import io.taskrunner.testkit.Folders;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A chart of this project, linted and rendered by Helm's own library in a copy. Helm renders
 * nothing while a dependency is not in {@code charts/}, and tests do not download those: each is
 * replaced by a chart of that name and version which shows the values that it received, as an
 * object of the kind {@code handed}.
 */
final class Chart implements AutoCloseable {

  private static final YAMLMapper YAML = new YAMLMapper();

  private final Path source;
  private final Path folder;

  private Chart(Path source, Path folder) {
    this.source = source;
    this.folder = folder;
  }

  /**
   * A copy of a chart.
   *
   * @param source its directory
   * @param always values, by their paths, that the platform sets for the installing user
   */
  static Chart of(Path source, Map<String, String> always) throws IOException {
    Path folder = Files.createTempDirectory("chart").resolve(source.getFileName());
    try (Stream<Path> files = Files.walk(source)) {
      for (Path file : files.toList()) {
        Path name = source.relativize(file);
        // The result of `helm dependency build`.
        if (!name.startsWith("charts") && !name.startsWith("Chart.lock")) {
          Files.copy(file, folder.resolve(name));
        }
      }
    }
    for (JsonNode dependency : yaml(folder.resolve("Chart.yaml")).path("dependencies")) {
      Path stub = folder.resolve("charts").resolve(dependency.get("name").asText());
      Files.createDirectories(stub.resolve("templates"));
      Files.writeString(
          stub.resolve("Chart.yaml"),
          "apiVersion: v2\nname: %s\nversion: %s\n"
              .formatted(dependency.get("name").asText(), dependency.get("version").asText()));
      Files.writeString(
          stub.resolve("templates/handed.yaml"),
          "kind: handed\nname: {{ .Chart.Name }}\nvalues: {{ toJson .Values }}\n");
    }
    if (!always.isEmpty()) {
      Files.writeString(folder.resolve("values.yaml"), settings(always), StandardOpenOption.APPEND);
    }
    return new Chart(source, folder);
  }

  /** Helm's complaints, except those that contain {@code expected}. */
  List<String> lint(String... expected) {
    LintResult result = new Helm(folder).lint().call();
    return result.getMessages().stream()
        .filter(message -> Stream.of(expected).noneMatch(message::contains))
        .toList();
  }

  /** Its own values, the defaults. */
  JsonNode defaults() throws IOException {
    return yaml(source.resolve("values.yaml"));
  }

  /**
   * Renders it.
   *
   * @param values as YAML
   * @return every object
   */
  Objects render(String values) throws IOException {
    return render("demo", values);
  }

  private Objects render(String release, String values) throws IOException {
    TemplateCommand command = new Helm(folder).template().withName(release).withNamespace("ns");
    String text = command.withValuesFile(file(values)).call();
    List<JsonNode> objects = new ArrayList<>();
    try (var documents = YAML.readerFor(JsonNode.class).<JsonNode>readValues(text)) {
      while (documents.hasNextValue()) {
        JsonNode object = documents.nextValue();
        if (object.isObject()) {
          objects.add(object);
        }
      }
    }
    return new Objects(objects);
  }

  /** Why it is not rendered; fails when it is. */
  String refusal(String values) throws IOException {
    try {
      render(values);
    } catch (IllegalStateException refused) {
      return String.valueOf(refused.getMessage());
    }
    throw new AssertionError("rendered with\n" + values);
  }

  /** Why a release of this name is not rendered; fails when it is. */
  String refusalAs(String release) throws IOException {
    try {
      render(release, "");
    } catch (IllegalStateException refused) {
      return String.valueOf(refused.getMessage());
    }
    throw new AssertionError("rendered as " + release);
  }

  /** The notes that are shown after the installation. */
  String notes(String values) throws IOException {
    InstallCommand command =
        new Helm(folder).install().withName("demo").withNamespace("ns").clientOnly().dryRun();
    String output = command.withValuesFile(file(values)).call().getOutput();
    return output.substring(output.indexOf("NOTES:"));
  }

  private Path file(String values) throws IOException {
    return Files.writeString(folder.resolveSibling("given.yaml"), values);
  }

  /** A file of YAML. */
  static JsonNode yaml(Path file) throws IOException {
    return YAML.readTree(file.toFile());
  }

  /** A value by its path, as YAML that sets it and nothing else. */
  static String setting(String path, String value) {
    StringBuilder text = new StringBuilder();
    String indent = "";
    for (String name : path.split("\\.", -1)) {
      text.append(indent).append(name).append(":\n");
      indent += "  ";
    }
    return text.deleteCharAt(text.length() - 1).append(' ').append(value).append('\n').toString();
  }

  /** Several values by their paths. */
  static String settings(Map<String, String> values) {
    try {
      JsonNode all = YAML.createObjectNode();
      for (Map.Entry<String, String> value : values.entrySet()) {
        all = YAML.readerForUpdating(all).readTree(setting(value.getKey(), value.getValue()));
      }
      return YAML.writeValueAsString(all).replaceFirst("^---\\s", "");
    } catch (IOException wrongYaml) {
      throw new UncheckedIOException(wrongYaml);
    }
  }

  @Override
  public void close() throws IOException {
    Folders.delete(folder.getParent());
  }

  /** The rendered objects. */
  record Objects(List<JsonNode> all) {

    /** The objects of a kind. */
    List<JsonNode> of(String kind) {
      return all.stream().filter(object -> kind.equals(object.path("kind").asText())).toList();
    }

    /** The one object of this kind and name. */
    JsonNode the(String kind, String name) {
      List<JsonNode> found =
          of(kind).stream().filter(object -> name.equals(nameOf(object))).toList();
      if (found.size() != 1) {
        throw new AssertionError(found.size() + " of " + kind + " " + name + " in " + names());
      }
      return found.getFirst();
    }

    /** The names of a kind. */
    List<String> names(String kind) {
      return of(kind).stream().map(Objects::nameOf).toList();
    }

    /** Every kind and name. */
    List<String> names() {
      return all.stream()
          .map(object -> object.path("kind").asText() + " " + nameOf(object))
          .toList();
    }

    private static String nameOf(JsonNode object) {
      return object.has("metadata")
          ? object.at("/metadata/name").asText()
          : object.path("name").asText();
    }
  }
}
