package io.taskrunner.http.call;

/**
 * One error in a call.
 *
 * @param place the part of the call
 * @param at a JSON pointer (RFC 6901), or the name of a parameter or header
 * @param detail a sentence that names the value and the expected one
 */
public record Fault(Place place, String at, String detail) {

  /** The part of a call that has the error. */
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

    /** The member of a problem's {@code errors} that locates it. */
    public String member() {
      return member;
    }
  }

  /** An error in the body. */
  public static Fault body(String pointer, String detail) {
    return new Fault(Place.POINTER, pointer, detail);
  }

  /** An error in the query or path. */
  public static Fault parameter(String name, String detail) {
    return new Fault(Place.PARAMETER, name, detail);
  }

  /** An error in a header. */
  public static Fault header(String name, String detail) {
    return new Fault(Place.HEADER, name, detail);
  }
}
