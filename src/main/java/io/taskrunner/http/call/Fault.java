package io.taskrunner.http.call;

/**
 * One thing that is wrong with a call.
 *
 * @param place where it is
 * @param at a JSON pointer (RFC 6901), or the name of a parameter or header
 * @param detail a sentence that names the value and what was expected
 */
public record Fault(Place place, String at, String detail) {

  /** The part of a call that a fault is in. */
  public enum Place {
    /** In the body. */
    POINTER("pointer"),
    /** In the query, or in the path. */
    PARAMETER("parameter"),
    /** In a header. */
    HEADER("header");

    private final String member;

    Place(String member) {
      this.member = member;
    }

    /** The member of a problem's {@code errors} that says where. */
    public String member() {
      return member;
    }
  }

  /** A fault in the body. */
  public static Fault body(String pointer, String detail) {
    return new Fault(Place.POINTER, pointer, detail);
  }

  /** A fault in the query or path. */
  public static Fault parameter(String name, String detail) {
    return new Fault(Place.PARAMETER, name, detail);
  }

  /** A fault in a header. */
  public static Fault header(String name, String detail) {
    return new Fault(Place.HEADER, name, detail);
  }
}
