package io.taskrunner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Checks rules that no tool checks. */
class TidyTest {

  private static final Path ROOT = Path.of("").toAbsolutePath();

  /** Written by the benchmark. */
  private static final Path RESULTS = Path.of("bench/results");

  private static final Set<String> NOT_OURS = Set.of("target", "node_modules", ".git", "data");

  /** Reads of the machine's clock; time must be injected with an {@code InstantSource}. */
  private static final Pattern CLOCK =
      Pattern.compile(
          "\\b(?:Instant|LocalDate|LocalDateTime|LocalTime|OffsetDateTime|ZonedDateTime)\\.now\\(\\)"
              + "|System\\.currentTimeMillis\\(|new Date\\(\\)"
              + "|\\bClock\\.system");

  private static final Pattern UNDONE =
      Pattern.compile("\\b(?:" + "TO" + "DO|FIX" + "ME|XX" + "X)\\b");

  private static final Pattern WILDCARD =
      Pattern.compile("^import (?:static )?[a-zA-Z0-9_.]+\\.\\*;", Pattern.MULTILINE);

  private static final Pattern SLEEP = Pattern.compile("\\bThread\\.sleep\\(");

  private static final Pattern LINK = Pattern.compile("\\[[^\\]\\n]*]\\(([^)\\s]+)\\)");

  private static final Pattern HEADING = Pattern.compile("^#{1,6} +(.+?) *$", Pattern.MULTILINE);

  private static final Pattern FENCED = Pattern.compile("(?ms)^ *```.*?^ *``` *$");

  /** The worst phrases that the glossary in CONTRIBUTING.md rejects. */
  private static final List<Pattern> REJECTED =
      Stream.of(
              "unless (said|told)",
              "so (many|much)",
              "what (lies|runs|waits)",
              "nobody|somebody|whoever",
              "beside",
              "anew",
              "by turns",
              "(is|are|was|were|be) told",
              "call(s|ed)? off",
              "in earnest|looked past|sign of life",
              "is no more(?! than)|whole answer",
              "(taken|take|takes) back|held up|holds up|hold up",
              "(is|are) away")
          .map(phrase -> Pattern.compile("(?i)\\b(?:" + phrase + ")\\b"))
          .toList();

  @Test
  void onlyAppReadsTheSystemClock() throws IOException {
    List<Path> elsewhere =
        filesEndingIn(".java").stream()
            .filter(file -> file.startsWith("src/main"))
            .filter(file -> !file.startsWith("src/main/java/io/taskrunner/app"))
            .toList();
    assertTrue(elsewhere.size() > 10, "found " + elsewhere);
    assertEquals("", linesMatching(CLOCK, elsewhere));
  }

  @Test
  void noTextHasATodo() throws IOException {
    assertEquals("", linesMatching(UNDONE, files()));
  }

  @Test
  void importsAreSpelledOut() throws IOException {
    assertEquals("", linesMatching(WILDCARD, filesEndingIn(".java")));
  }

  /** Trusted Types stop these in a browser; here they fail earlier. */
  @Test
  void theDashboardNeverTurnsTextIntoMarkupOrCode() throws IOException {
    Pattern forbidden =
        Pattern.compile(
            "innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML|document\\.write|\\beval\\("
                + "|new Function|style=|(?:src|href)=[\"']?(?:https?:)?//");
    List<Path> ours =
        files().stream()
            .filter(file -> file.startsWith("src/main/resources/dashboard"))
            .filter(file -> file.toString().matches(".*\\.(js|html)"))
            .toList();
    assertTrue(ours.size() > 5, "found " + ours);
    assertEquals("", linesMatching(forbidden, ours));
  }

  @Test
  void noCodeSleeps() throws IOException {
    List<Path> ours =
        filesEndingIn(".java").stream().filter(file -> file.startsWith("src")).toList();
    assertEquals("", linesMatching(SLEEP, ours));
  }

  @Test
  void linksInDocumentsHaveATarget() throws IOException {
    List<String> faults = new ArrayList<>();
    List<Path> documents = filesEndingIn(".md");
    for (Path document : documents) {
      Matcher links = LINK.matcher(FENCED.matcher(text(document)).replaceAll(""));
      while (links.find()) {
        String link = links.group(1);
        if (!link.matches("(?i)[a-z][a-z0-9+.-]*:.*") && !leads(document, link)) {
          faults.add(document + ": " + link);
        }
      }
    }
    assertTrue(documents.size() > 3, "found " + documents);
    assertEquals("", String.join("\n", faults));
  }

  @Test
  void textsAvoidThePhrasesThatTheGlossaryRejects() throws IOException {
    List<Path> texts = files().stream().filter(TidyTest::isPlainEnglish).toList();
    assertTrue(texts.size() > 60, "found " + texts);
    for (Pattern phrase : REJECTED) {
      assertEquals("", linesMatching(phrase, texts), "see the glossary in CONTRIBUTING.md");
    }
  }

  /** The same, in the names of tests. */
  private static final Pattern REJECTED_NAME =
      Pattern.compile(
          "^ +void [a-z]\\w*(Told|Nobody|Somebody|Whoever|Anew|Beside|CalledOff|LookedPast|IsNoMore"
              + "|TakenBack|HoldsUp|HeldUp|SoMany|SoMuch|ByTurns|MadeKnown|WhatLies|IsNot?Right)"
              + "(?![a-z])\\w*\\(\\)");

  @Test
  void testNamesAvoidThePhrasesThatTheGlossaryRejects() throws IOException {
    List<Path> tests =
        filesEndingIn("Test.java").stream().filter(file -> file.startsWith("src/test")).toList();
    assertTrue(tests.size() > 100, "found " + tests);
    assertEquals("", linesMatching(REJECTED_NAME, tests), "see the glossary in CONTRIBUTING.md");
    assertTrue(REJECTED_NAME.matcher("  void everyFaultIsToldAtOnce() {").find());
  }

  /**
   * Documents, the API's descriptions, and the program's source, with its messages, help texts and
   * Javadoc; except the glossary itself, which lists the phrases.
   */
  private static boolean isPlainEnglish(Path file) {
    String name = file.toString().replace('\\', '/');
    return name.endsWith(".md") && !name.equals("CONTRIBUTING.md") && !file.startsWith(RESULTS)
        || name.equals("src/main/resources/openapi.json")
        || name.startsWith("src/main/java/");
  }

  @Test
  void linesOfDocumentsAreAtMost120CharactersLong() throws IOException {
    List<String> faults = new ArrayList<>();
    for (Path document : filesEndingIn(".md")) {
      if (document.startsWith(RESULTS)) {
        continue;
      }
      String prose = FENCED.matcher(text(document)).replaceAll("");
      prose
          .lines()
          .filter(line -> line.length() > 120 && !line.startsWith("|"))
          .forEach(line -> faults.add(document + ": " + line));
    }
    assertEquals("", String.join("\n", faults));
  }

  @Test
  void thePatternsMatchTheirExamples() {
    assertTrue(CLOCK.matcher("var now = Instant.now();").find());
    assertTrue(CLOCK.matcher("this(Clock.systemUTC());").find());
    assertTrue(UNDONE.matcher("// TO" + "DO: later").find());
    assertTrue(WILDCARD.matcher("import java.util.*;").find());
    assertTrue(SLEEP.matcher("Thread." + "sleep(100);").find());
    assertTrue(leads(Path.of("LICENSE"), "pom.xml"));
    assertEquals(false, leads(Path.of("LICENSE"), "docs/absent.md"));
    assertEquals("what-a-target--receives", anchor("What `a` target – receives"));
  }

  private static boolean leads(Path document, String link) {
    int hash = link.indexOf('#');
    String file = hash < 0 ? link : link.substring(0, hash);
    Path target =
        file.isEmpty() ? document : ROOT.resolve(document).getParent().resolve(file).normalize();
    if (!Files.exists(ROOT.resolve(target))) {
      return false;
    }
    return hash < 0
        || !target.toString().endsWith(".md")
        || anchors(ROOT.resolve(target)).contains(link.substring(hash + 1));
  }

  private static Set<String> anchors(Path document) {
    try {
      return HEADING
          .matcher(text(document))
          .results()
          .map(heading -> anchor(heading.group(1)))
          .collect(Collectors.toSet());
    } catch (IOException e) {
      return Set.of();
    }
  }

  /** The anchor of a heading, as the document's viewer creates it. */
  private static String anchor(String heading) {
    return heading.toLowerCase(Locale.ROOT).replaceAll("[^\\p{L}\\p{N} _-]", "").replace(' ', '-');
  }

  private static String linesMatching(Pattern pattern, List<Path> files) throws IOException {
    List<String> faults = new ArrayList<>();
    for (Path file : files) {
      int number = 0;
      for (String line : text(file).split("\n", -1)) {
        number++;
        if (pattern.matcher(line).find()) {
          faults.add(file + ":" + number + ": " + line.strip());
        }
      }
    }
    return String.join("\n", faults);
  }

  private static List<Path> filesEndingIn(String end) throws IOException {
    return files().stream().filter(file -> file.toString().endsWith(end)).toList();
  }

  /** Every text of this project, relative to the root. */
  private static List<Path> files() throws IOException {
    List<Path> files = new ArrayList<>();
    Files.walkFileTree(
        ROOT,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path dir, BasicFileAttributes attributes) {
            return NOT_OURS.contains(dir.getFileName().toString()) && !dir.equals(ROOT)
                ? FileVisitResult.SKIP_SUBTREE
                : FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            if (attributes.isRegularFile()
                && !file.getFileName().toString().matches("\\.git|package-lock\\.json")) {
              files.add(ROOT.relativize(file));
            }
            return FileVisitResult.CONTINUE;
          }
        });
    return files;
  }

  /** A file read so that non-text bytes do no harm. */
  private static String text(Path file) throws IOException {
    return new String(Files.readAllBytes(ROOT.resolve(file)), StandardCharsets.ISO_8859_1)
                .indexOf('\0')
            >= 0
        ? ""
        : Files.readString(ROOT.resolve(file), StandardCharsets.UTF_8);
  }
}
