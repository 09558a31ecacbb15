package io.taskrunner.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.taskrunner.testkit.Browser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** The dashboard of a server, in a browser that reaches only this machine. */
final class Console implements AutoCloseable {

  private static final String NONE =
      "no Chromium is installed, so the dashboard is not opened; .ci/run installs one as root"
          + " (apt-get install chromium)";

  /** Where pictures are written if it is set, such as {@code docs/images}. */
  private static final String PICTURES = System.getProperty("pictures", "");

  final Browser browser;
  final String home;

  /**
   * A browser that has opened nothing yet.
   *
   * @param home the server's address with its prefix
   */
  Console(String home) throws IOException {
    Optional<Path> program = Browser.installed();
    assumeTrue(program.isPresent(), NONE);
    this.home = home;
    browser = Browser.start(program.get());
    browser.size(1280, 800);
  }

  /** Opens a page of the dashboard, and waits until it shows its content. */
  void open(String page) {
    browser.open(home + "/ui/" + page);
    awaitContent();
  }

  /** Waits for a heading, and until nothing is loading. */
  void awaitContent() {
    await("document.querySelector('h1') && !document.querySelector('[data-loading]')");
  }

  /** Goes to a page without loading the dashboard again. */
  void go(String page) {
    browser.evaluate(
        "(() => { const link = document.createElement('a'); link.href = '"
            + home
            + "/ui/"
            + page
            + "'; document.querySelector('main').append(link); link.click(); link.remove(); })()");
    awaitContent();
  }

  /** Clicks on the first button or link with this text, of an open dialog if there is one. */
  void click(String text) {
    await(
        """
        (() => {
          document.querySelectorAll('[data-clicked]').forEach((each) => delete each.dataset.clicked);
          const within = document.querySelector('dialog[open]') || document;
          const found = [...within.querySelectorAll('button, a, summary')]
              .find((each) => each.textContent.trim() === %s && !each.disabled && each.offsetParent);
          if (found) found.dataset.clicked = '';
          return !!found;
        })()
        """
            .formatted(quoted(text)));
    browser.click("[data-clicked]");
  }

  /**
   * Focuses a field by its label once no dialog is about to open, selects its content and writes.
   */
  void fill(String label, String text) {
    await(
        """
        (() => {
          if (document.querySelector('dialog:not([open])')) return false;
          const labels = [...document.querySelectorAll('label')].reverse();
          const field = labels.find((each) => each.textContent.trim().startsWith(%s))
              ?.querySelector('input, textarea, select');
          field?.focus();
          field?.select?.();
          return !!field && document.activeElement === field;
        })()
        """
            .formatted(quoted(label)));
    browser.type(text);
  }

  /** The text of the page. */
  String text() {
    return browser.evaluate("document.body.innerText").asText();
  }

  /** Waits until a condition holds; after 15 s it fails with the text of the page. */
  void await(String condition) {
    String seen =
        browser
            .evaluate(
                """
                new Promise((then) => {
                  const ends = performance.now() + 15000;
                  const look = () => (%s) ? then('') : performance.now() > ends
                      ? then(document.body.innerText) : requestAnimationFrame(look);
                  look();
                })
                """
                    .formatted(condition))
            .asText();
    assertEquals("", seen, () -> condition + " did not come true");
  }

  void awaitText(String text) {
    await("document.body.innerText.includes(" + quoted(text) + ")");
  }

  void awaitNoText(String text) {
    await("!document.body.innerText.includes(" + quoted(text) + ")");
  }

  private static String quoted(String text) {
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'";
  }

  /** Nothing that no page may show, and no error. */
  void isWell() {
    String text = text();
    for (String wrong : List.of("undefined", "NaN", "[object Object]")) {
      assertFalse(text.contains(wrong), () -> wrong + " is shown: " + text);
    }
    // A call that is cancelled because the page was left is no error.
    assertEquals(
        List.of(),
        browser.faults().stream().filter(fault -> !fault.contains("\"canceled\":true")).toList());
    for (String request : browser.requests()) {
      assertTrue(request.startsWith(home + "/"), request);
    }
  }

  /** Nothing that axe objects to, and no sideways scrolling. */
  void isAccessible(String where) {
    assertEquals(List.of(), browser.violations(), where);
    int over =
        browser
            .evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            .asInt();
    assertEquals(0, over, where + ": pixels that are scrolled sideways");
  }

  /** Keeps a picture of the window, if a folder for pictures is set. */
  void picture(String name) {
    if (!PICTURES.isEmpty()) {
      try {
        Files.createDirectories(Path.of(PICTURES));
        Files.write(Path.of(PICTURES, name + ".png"), browser.picture());
      } catch (IOException e) {
        throw new AssertionError(e);
      }
    }
  }

  @Override
  public void close() {
    browser.close();
  }
}
