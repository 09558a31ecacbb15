package io.taskrunner.http.v1;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.task.SecretNames;
import java.util.List;
import org.junit.jupiter.api.Test;

class MaskingTest {

  @Test
  void valuesNamedLikeASecretAreMasked() {
    for (String name :
        List.of(
            "Authorization",
            "PROXY-AUTHORIZATION",
            "Cookie",
            "Set-Cookie",
            "X-API-Key",
            "X-Auth-Token",
            "token",
            "api_key",
            "client_secret",
            "X-Hub-Signature",
            "Password",
            "X-Auth",
            "accessToken")) {
      assertTrue(SecretNames.hides(name), name);
    }
    for (String name :
        List.of(
            "Content-Type",
            "Author",
            "X-Token-Type",
            "keyboard",
            "secretary",
            "passwords",
            "Cookies")) {
      assertFalse(SecretNames.hides(name), name);
    }
  }

  @Test
  void aUrlKeepsEverythingExceptMaskedValues() {
    assertEquals("http://h/p", Masking.url("http://h/p"));
    assertEquals("http://h/p?", Masking.url("http://h/p?"));
    assertEquals("http://h/?a=b&token=***", Masking.url("http://h/?a=b&token=s3cr3t"));
    assertEquals("http://h/?api_key=***&&x", Masking.url("http://h/?api_key=a=b&&x"));
    assertEquals("http://h/?%74oken=***&b=c", Masking.url("http://h/?%74oken=s&b=c"));
    assertEquals("http://h/?tok%65n=***", Masking.url("http://h/?tok%65n="));
    assertEquals("http://h/?token", Masking.url("http://h/?token"));
    assertEquals("http://h/?%zz=1&signature=***", Masking.url("http://h/?%zz=1&signature=2"));
  }
}
