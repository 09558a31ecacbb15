package io.taskrunner.cli;

import java.util.Optional;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;

/** The lines of a JSON or YAML file that the JSON pointers of its errors name. */
final class FileLines {

  private final Optional<Node> document;

  /** Of a text, which may be malformed: nothing is found in it then. */
  FileLines(String text) {
    document = parsed(text);
  }

  private static Optional<Node> parsed(String text) {
    try {
      LoadSettings settings = LoadSettings.builder().setCodePointLimit(text.length() + 1).build();
      return new Compose(settings).composeString(text);
    } catch (YamlEngineException malformed) {
      return Optional.empty();
    }
  }

  /** The line of a value, from 1, or of the innermost existing value around it; 0 if unknown. */
  int of(String pointer) {
    int line = 0;
    Optional<Node> at = document;
    for (String part : pointer.isEmpty() ? new String[0] : pointer.substring(1).split("/", -1)) {
      String name = part.replace("~1", "/").replace("~0", "~");
      switch (at.orElse(null)) {
        case MappingNode mapping -> {
          Optional<NodeTuple> member =
              mapping.getValue().stream()
                  .filter(each ->
                      each.getKeyNode() instanceof ScalarNode key && key.getValue().equals(name))
                  .findFirst();
          line = member.map(each -> line(each.getKeyNode())).orElse(line);
          at = member.map(NodeTuple::getValueNode);
        }
        case SequenceNode sequence when name.matches("\\d{1,9}") -> {
          at = sequence.getValue().stream().skip(Long.parseLong(name)).findFirst();
          line = at.map(FileLines::line).orElse(line);
        }
        case null, default -> {
          return line;
        }
      }
    }
    return line;
  }

  private static int line(Node node) {
    return node.getStartMark().map(mark -> mark.getLine() + 1).orElse(0);
  }
}
