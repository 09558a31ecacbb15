package io.taskrunner.cloudtasks;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The guide shows the code that the tests run. */
class SnippetsTest {

  @ParameterizedTest
  @CsvSource({
    "java, src/test/java/io/taskrunner/cloudtasks/GoogleClientTest.java",
    "js, src/test/node/client.mjs"
  })
  void aSnippetIsPartOfATest(String language, Path test) throws IOException {
    String guide = Files.readString(Path.of("docs/cloud-tasks.md"));
    Matcher snippet =
        Pattern.compile("```" + language + "\n(.*?)```", Pattern.DOTALL).matcher(guide);
    assertTrue(snippet.find(), "no snippet of " + language);
    String run = Files.readString(test);
    assertTrue(flat(run).contains(flat(snippet.group(1))), snippet.group(1));
  }

  private static String flat(String code) {
    return code.replaceAll("\\s+", " ").strip();
  }
}
