package io.taskrunner.task;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HeaderRulesTest {

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Host",
        "content-length",
        "CONNECTION",
        "Keep-Alive",
        "Transfer-Encoding",
        "TE",
        "Trailer",
        "Upgrade",
        "Expect",
        "Proxy-Authorization",
        "proxy-x",
        "X-CloudTasks-QueueName",
        "x-task-runner-claim",
        "webhook-id",
        "Webhook-Signature",
        "",
        "a b",
        "a:b",
        "a\tb",
        "a\nb",
        "ä",
        "a(b)",
        "a,b",
        "a/b",
        "a@b",
        "\"a\"",
        "{a}",
        ":path"
      })
  void aTaskMayNotSetWhatIsNotItsOwn(String name) {
    assertTrue(HeaderRules.nameFault(name).isPresent(), name);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Content-Type",
        "Authorization",
        "X-Request-ID",
        "traceparent",
        "User-Agent",
        "Cookie",
        "Hosts",
        "X-Proxy",
        "Teapot",
        "X-Cloud",
        "webhook",
        "!#$%&'*+-.^_`|~09azAZ"
      })
  void aTaskMaySetAnyOther(String name) {
    assertTrue(HeaderRules.nameFault(name).isEmpty(), name);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"a\rb", "a\nb", "a\0b", "a\u0001", "\u007f", "snow\u2603", "\ud83d\ude00"})
  void anInvalidHeaderValueIsRejected(String value) {
    assertTrue(HeaderRules.valueFault(value).isPresent());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a", "a b\tc", "é", "\u00ff", "Bearer x.y.z", "a, b; c=\"d\""})
  void aValidHeaderValueIsAccepted(String value) {
    assertTrue(HeaderRules.valueFault(value).isEmpty());
  }
}
