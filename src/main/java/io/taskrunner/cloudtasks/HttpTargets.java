package io.taskrunner.cloudtasks;

import com.google.cloud.tasks.v2.HttpMethod;
import com.google.cloud.tasks.v2.HttpRequest;
import com.google.cloud.tasks.v2.OAuthToken;
import com.google.cloud.tasks.v2.OidcToken;
import com.google.protobuf.ByteString;
import io.taskrunner.cloudtasks.v1.HttpTarget;
import io.taskrunner.cloudtasks.v1.UriOverride;
import io.taskrunner.cloudtasks.v1.UriOverride.Scheme;
import io.taskrunner.cloudtasks.v1.UriOverride.UriOverrideEnforceMode;
import io.taskrunner.task.HeaderRules;
import java.util.Optional;

/** The httpTarget of a queue: its permitted contents, and its effect on a task. */
final class HttpTargets {

  private static final int PORT_MAX = 65_535;

  private HttpTargets() {}

  /**
   * Checks the httpTarget of a queue.
   *
   * @throws Failure it is invalid
   */
  static void check(HttpTarget target) {
    UriOverride uri = target.getUriOverride();
    if (uri.hasHost() && uri.getHost().isEmpty()) {
      throw Failure.invalid("HttpTarget.uriOverride.host cannot be empty.");
    }
    if (uri.hasPort() && (uri.getPort() < 0 || uri.getPort() > PORT_MAX)) {
      throw Failure.invalid("HttpTarget.uriOverride.port must be between 0 and 65535.");
    }
    for (HttpTarget.HeaderOverride header : target.getHeaderOverridesList()) {
      String key = header.getHeader().getKey();
      if (!HeaderRules.isName(key)
          || HeaderRules.valueFault(header.getHeader().getValue()).isPresent()) {
        throw Failure.invalid("HttpTarget.headerOverrides: \"" + key + "\" is not a valid header.");
      }
    }
    if (target.hasOauthToken()) {
      OAuthToken token = target.getOauthToken();
      if (token.getServiceAccountEmail().isEmpty() || token.getScope().isEmpty()) {
        throw Failure.invalid("HttpTarget.oauthToken requires both serviceAccountEmail and scope.");
      }
    }
    if (target.hasOidcToken()) {
      OidcToken token = target.getOidcToken();
      if (token.getServiceAccountEmail().isEmpty() || token.getAudience().isEmpty()) {
        throw Failure.invalid(
            "HttpTarget.oidcToken requires both serviceAccountEmail and audience.");
      }
    }
  }

  /** The identity for tokens of tasks; empty when no token is asked for. */
  static Optional<String> account(HttpTarget target) {
    if (target.hasOauthToken()) {
      return Optional.of(target.getOauthToken().getServiceAccountEmail());
    }
    return target.hasOidcToken()
        ? Optional.of(target.getOidcToken().getServiceAccountEmail())
        : Optional.empty();
  }

  /** A request after its queue's overrides. */
  static HttpRequest applied(HttpTarget target, HttpRequest request) {
    HttpRequest.Builder made = request.toBuilder();
    if (target.hasUriOverride()) {
      made.setUrl(url(target.getUriOverride(), request.getUrl()));
    }
    if (target.getHttpMethod() != HttpMethod.HTTP_METHOD_UNSPECIFIED) {
      made.setHttpMethod(target.getHttpMethod());
      if (!mayHaveBody(target.getHttpMethod())) {
        made.setBody(ByteString.EMPTY);
      }
    }
    for (HttpTarget.HeaderOverride override : target.getHeaderOverridesList()) {
      String key = override.getHeader().getKey();
      request.getHeadersMap().keySet().stream()
          .filter(key::equalsIgnoreCase)
          .forEach(made::removeHeaders);
      made.putHeaders(key, override.getHeader().getValue());
    }
    if (target.hasOauthToken()) {
      made.setOauthToken(target.getOauthToken());
    } else if (target.hasOidcToken()) {
      made.setOidcToken(target.getOidcToken());
    }
    return made.build();
  }

  static boolean mayHaveBody(HttpMethod method) {
    return method == HttpMethod.POST || method == HttpMethod.PUT || method == HttpMethod.PATCH;
  }

  /** The URL is valid for a task: a scheme, a host, and the rest. */
  private static String url(UriOverride override, String url) {
    int start = url.indexOf("://") + 3;
    int end = start;
    while (end < url.length() && "/?#".indexOf(url.charAt(end)) < 0) {
      end++;
    }
    int fragment = url.indexOf('#', end);
    String rest = url.substring(end, fragment < 0 ? url.length() : fragment);
    int mark = rest.indexOf('?');
    String path = mark < 0 ? rest : rest.substring(0, mark);
    String query = mark < 0 ? "" : rest.substring(mark + 1);
    String authority = url.substring(start, end);
    int colon = authority.lastIndexOf(':');
    boolean hasPort = colon >= 0 && authority.indexOf(']', colon) < 0;
    String host = hasPort ? authority.substring(0, colon) : authority;
    String port = hasPort ? authority.substring(colon) : "";
    String scheme = url.substring(0, start - 3);

    boolean always = override.getUriOverrideEnforceMode() != UriOverrideEnforceMode.IF_NOT_EXISTS;
    if (always && override.getScheme() != Scheme.SCHEME_UNSPECIFIED) {
      scheme = override.getScheme() == Scheme.HTTP ? "http" : "https";
    }
    if (always && override.hasHost()) {
      host = override.getHost();
    }
    if (override.hasPort() && (always || port.isEmpty())) {
      port = override.getPort() == 0 ? "" : ":" + override.getPort();
    }
    if (override.hasPathOverride() && (always || path.isEmpty() || path.equals("/"))) {
      String given = override.getPathOverride().getPath();
      path = given.isEmpty() || given.startsWith("/") ? given : "/" + given;
    }
    if (override.hasQueryOverride() && (always || query.isEmpty())) {
      query = override.getQueryOverride().getQueryParams();
    }
    return scheme + "://" + host + port + path + (query.isEmpty() ? "" : "?" + query);
  }
}
