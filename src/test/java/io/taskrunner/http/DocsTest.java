package io.taskrunner.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.taskrunner.http.Contract.Operation;
import io.taskrunner.http.Served.Setup;
import io.taskrunner.testkit.Browser;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The pages in a real browser that reaches only the server. */
class DocsTest {

  private static final Contract CONTRACT = Contract.OF_THIS_BUILD;

  private static final String NONE =
      "no Chromium is installed, so /docs is not opened in a browser; .ci/run installs one as root"
          + " (apt-get install chromium)";

  @Test
  void theApiDocumentationRendersInABrowser() throws IOException {
    Optional<Path> program = Browser.installed();
    assumeTrue(program.isPresent(), NONE);
    for (String prefix : List.of("", "/tasks")) {
      try (Served served = new Served(Setup.local().prefix(prefix), new FakeStores());
          Browser browser = Browser.start(program.get())) {
        String home = "http://127.0.0.1:" + served.server.port() + prefix;
        browser.open(home + "/docs");
        browser.await("document.querySelector('#codes, #fault')");
        assertEquals("null", browser.evaluate("document.querySelector('#fault')").toString());
        everythingIsShown(browser);
        aClickShowsACallAndItsExamples(browser, home);
        theFilterLeavesWhatItNames(browser);
        assertEquals(List.of(), browser.faults());
        assertEquals(
            Set.of(home + "/docs", home + "/openapi.json"), new TreeSet<>(browser.requests()));
      }
    }
  }

  private static void everythingIsShown(Browser browser) {
    assertEquals(
        CONTRACT.operations().stream().map(Operation::id).collect(Collectors.toSet()),
        texts(browser, "[...document.querySelectorAll('article')].map((each) => each.id)"));
    assertEquals(
        Set.copyOf(
            CONTRACT
                .document()
                .at("/components/schemas/ProblemCode/oneOf")
                .findValuesAsText("const")),
        texts(
            browser,
            "[...document.querySelectorAll('#codes tr')].filter((each) => /[45]\\d\\d/.test(each.innerText))"
                + ".map((each) => each.querySelector('code').innerText)"));
    for (String wrong : List.of("undefined", "[object Object]", "NaN")) {
      assertFalse(
          browser.evaluate("document.body.innerText").asText().contains(wrong),
          wrong + " is shown");
    }
  }

  private static void aClickShowsACallAndItsExamples(Browser browser, String home) {
    Operation operation = CONTRACT.operation("putQueue");
    browser.click("nav a[href=\"#putQueue\"]");
    browser.await(
        "document.getElementById('putQueue').checkVisibility() && (({ top }) => top >= 0 && top < innerHeight / 2)"
            + "(document.getElementById('putQueue').getBoundingClientRect())");
    String call = browser.evaluate("document.querySelector('#putQueue pre').innerText").asText();
    assertTrue(call.startsWith("curl -X PUT '" + home + operation.path() + "'"), call);
    assertTrue(call.contains("-d '" + operation.body("application/json") + "'"), call);
    assertFalse(shown(browser, "#putQueue .example pre"));
    browser.click("#putQueue .example summary");
    assertTrue(shown(browser, "#putQueue .example pre"));
    JsonNode example =
        browser.evaluate("JSON.parse(document.querySelector('#putQueue .example pre').innerText)");
    assertEquals(operation.node().at("/responses/200/content/application~1json/example"), example);
    assertFalse(shown(browser, "#enqueue"), "another page");
    browser.click("#putQueue .copy");
    browser.await("document.querySelector('#putQueue .copy').textContent === 'Copied'");
    browser.click("#putQueue a[href=\"#code-precondition_failed\"]");
    browser.await("location.hash === '#code-precondition_failed'");
    browser.await("document.getElementById('code-precondition_failed').checkVisibility()");
    assertFalse(shown(browser, "#putQueue"));
    browser.click("nav a[href=\"#keys\"]");
    browser.await("document.getElementById('keys').checkVisibility()");
    String keys = browser.evaluate("document.querySelector('#overview table').innerText").asText();
    assertTrue(keys.contains("X-Admin-Key: <key>"), keys);
    assertTrue(keys.contains("Authorization: Bearer <key>"), keys);
  }

  private static void theFilterLeavesWhatItNames(Browser browser) {
    browser.evaluate(
        "(() => { const filter = document.getElementById('filter'); filter.value = 'signing put';"
            + " filter.dispatchEvent(new Event('input')); })()");
    assertEquals(
        Set.of("#putSigningSecret"),
        texts(
            browser,
            "[...document.querySelectorAll('nav li')].filter((each) => each.offsetParent)"
                + ".map((each) => each.querySelector('a').getAttribute('href'))"));
  }

  private static Set<String> texts(Browser browser, String expression) {
    return browser
        .evaluate(expression)
        .valueStream()
        .map(JsonNode::asText)
        .collect(Collectors.toSet());
  }

  private static boolean shown(Browser browser, String selector) {
    return browser
        .evaluate("document.querySelector('" + selector + "').checkVisibility()")
        .asBoolean();
  }
}
