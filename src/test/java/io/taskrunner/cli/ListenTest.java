package io.taskrunner.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.testkit.ProgramProcess;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The target for trying things out, in a process of its own. */
@Timeout(120)
class ListenTest {

  private static final Pattern URL = Pattern.compile("Listening on (http://127.0.0.1:\\d+)");

  private static ProgramProcess listen(String... options) throws Exception {
    List<String> words = new ArrayList<>(List.of("listen", "0"));
    words.addAll(List.of(options));
    ProgramProcess listening = ProgramProcess.start(Map.of(), words.toArray(String[]::new));
    listening.await("Listening on ");
    return listening;
  }

  private static int post(ProgramProcess to, String body, String... headers) throws Exception {
    Matcher url = URL.matcher(to.output());
    assertTrue(url.find(), to.output());
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(url.group(1) + "/x"))
            .POST(HttpRequest.BodyPublishers.ofString(body));
    if (headers.length > 0) {
      request.headers(headers);
    }
    try (HttpClient caller = HttpClient.newHttpClient()) {
      return caller.send(request.build(), HttpResponse.BodyHandlers.discarding()).statusCode();
    }
  }

  @Test
  void printsRequestsAndAnswersAsConfigured() throws Exception {
    try (ProgramProcess usual = listen("--times", "2")) {
      assertEquals(200, post(usual, "Hi!", "X-CloudTasks-TaskRetryCount", "1"));
      assertEquals(200, post(usual, ""));
      assertEquals(0, usual.end());
      assertTrue(
          usual.output().matches("(?s).*\\d POST /x, attempt 2, 3 bytes -> 200\n  Hi!\n.*"),
          usual.output());
    }
    try (ProgramProcess bad = listen("--status", "418", "--delay", "1ms")) {
      assertEquals(418, post(bad, ""));
    }
    try (ProgramProcess failing = listen("--fail", "100%", "--headers")) {
      assertEquals(503, post(failing, "", "X-Some", "thing"));
      failing.await("thing");
    }
  }

  @Test
  void verifiesSignatures() throws Exception {
    byte[] key = "a key of some length".getBytes(StandardCharsets.UTF_8);
    String secret = "whsec_" + Base64.getEncoder().encodeToString(key);
    try (ProgramProcess verifying = listen("--verify", secret)) {
      assertEquals(401, post(verifying, "Hi!"));
      verifying.await("signature INVALID: not signed -> 401");
      String time = Long.toString(Instant.now().getEpochSecond());
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(key, "HmacSHA256"));
      mac.update(("1." + time + ".Hi!").getBytes(StandardCharsets.UTF_8));
      String signature = "v1," + Base64.getEncoder().encodeToString(mac.doFinal());
      String[] headers = {
        "webhook-id", "1", "webhook-timestamp", time, "webhook-signature", signature
      };
      assertEquals(200, post(verifying, "Hi!", headers));
      verifying.await("signature valid -> 200");
      assertEquals(401, post(verifying, "Ho!", headers));
    }
  }
}
