package io.taskrunner.http.call;

import com.linecorp.armeria.common.QueryParams;
import com.linecorp.armeria.common.RequestHeaders;
import io.taskrunner.store.PageTokens;
import java.net.InetAddress;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A call that may be performed: its route was found, its body read, and its caller may call the
 * route.
 *
 * @param id the request id
 * @param headers as received
 * @param params values of the placeholders of the route's template
 * @param query as received, without the question mark; null for none
 * @param caller the authenticated caller
 * @param body the members of the received JSON object; the handler may change it
 * @param pages of the list, if the route gives one
 * @param from the caller's address
 */
public record Call(
    String id,
    RequestHeaders headers,
    List<String> params,
    @Nullable String query,
    Caller caller,
    Map<String, Object> body,
    Pages pages,
    InetAddress from) {

  /**
   * Tokens of a route's pages.
   *
   * @param route its template
   */
  public record Pages(PageTokens tokens, String route) {}

  /** The same call by another caller. */
  Call by(Caller other) {
    return new Call(id, headers, params, query, other, body, pages, from);
  }

  /** The placeholder of the route's template with this number, from 0. */
  public String param(int number) {
    return params.get(number);
  }

  /** The parameters of the query. */
  public Query query(Faults faults) {
    return new Query(
        query == null ? QueryParams.of() : QueryParams.fromQueryString(query), faults, pages);
  }

  /** The fields of the body. */
  public Fields fields(Faults faults) {
    return new Fields(body, "", faults);
  }

  /** Rejects a body with anything in it. */
  public void noFields() {
    Faults faults = new Faults();
    fields(faults).done();
    faults.raise();
  }

  /**
   * The parameters of a query. Errors are collected by name.
   *
   * @param params decoded
   * @param faults collects the errors
   * @param pages that {@code cursor} leads to
   */
  public record Query(QueryParams params, Faults faults, Pages pages) {

    /** Notes each parameter of another name. */
    void allow(List<String> names) {
      for (String name : params.names()) {
        if (!names.contains(name)) {
          faults.add(
              Fault.parameter(
                  name,
                  Shown.of(name)
                      + ": unknown parameter (expected: "
                      + (names.isEmpty() ? "none" : String.join(", ", names))
                      + ")"));
        }
      }
    }

    /** A parameter; empty when it is absent. */
    public Optional<String> text(String name) {
      List<String> values = params.getAll(name);
      if (values.size() > 1) {
        faults.add(Fault.parameter(name, name + ": given " + values.size() + " times"));
      }
      return values.isEmpty() ? Optional.empty() : Optional.of(values.getFirst());
    }

    /** A parameter of a given format. */
    public @Nullable String text(String name, Pattern form, String expected) {
      Optional<String> value = text(name);
      if (value.isPresent() && !form.matcher(value.get()).matches()) {
        fault(name, value.get(), expected);
        return null;
      }
      return value.orElse(null);
    }

    /** A whole number. */
    public int integer(String name, int otherwise, int min, int max) {
      Optional<String> value = text(name);
      if (value.isEmpty()) {
        return otherwise;
      }
      try {
        int number = Integer.parseInt(value.get());
        if (number >= min && number <= max) {
          return number;
        }
      } catch (NumberFormatException notANumber) {
        // Reported below, like a number out of range.
      }
      fault(name, value.get(), "a whole number from " + min + " to " + max);
      return otherwise;
    }

    /** {@code true} or {@code false}. */
    public boolean flag(String name) {
      String value = text(name).orElse("false");
      if (!value.equals("true") && !value.equals("false")) {
        fault(name, value, "true or false");
      }
      return value.equals("true");
    }

    /** Notes an invalid value. */
    public void fault(String name, String value, String expected) {
      faults.add(
          Fault.parameter(name, name + ": " + Shown.of(value) + " (expected: " + expected + ")"));
    }

    /**
     * The start of the page; null for the first one. Notes a {@code cursor} that no answer to the
     * same query returned within the last hours.
     */
    public @Nullable String cursor() {
      Optional<String> token = text("cursor");
      if (token.isEmpty()) {
        return null;
      }
      try {
        return pages.tokens().read(listed(), token.get());
      } catch (PageTokens.BadToken bad) {
        noteBadCursor();
        return null;
      }
    }

    /** The {@code cursor} that leads to the next page; null for none. */
    public @Nullable String nextCursor(@Nullable String next) {
      return next == null ? null : pages.tokens().make(listed(), next);
    }

    /**
     * The identity of a list: the route and the parameters, except those that differ between pages.
     */
    private String listed() {
      return params.stream()
          .filter(one -> !one.getKey().equals("limit") && !one.getKey().equals("cursor"))
          .map(one -> QueryParams.of(one.getKey(), one.getValue()).toQueryString())
          .sorted()
          .collect(Collectors.joining("&", pages.route() + "?", ""));
    }

    private void noteBadCursor() {
      fault(
          "cursor",
          text("cursor").orElse(""),
          "the next_cursor of a response to the same query, at most "
              + PageTokens.LIFE.toHours()
              + " hours old");
    }

    /** The rejection of a {@code cursor} that the store does not know. */
    public Refusal badCursor() {
      noteBadCursor();
      return new Refusal(Problem.invalid(faults.list()));
    }

    /** Notes a missing required parameter. */
    public void missing(String name, String expected) {
      faults.add(Fault.parameter(name, name + ": missing (expected: " + expected + ")"));
    }
  }
}
