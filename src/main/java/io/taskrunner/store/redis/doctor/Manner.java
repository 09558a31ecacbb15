package io.taskrunner.store.redis.doctor;

/**
 * How the doctor checks.
 *
 * @param mend whether violations are repaired
 * @param exact whether atomic counts may block Redis for longer
 */
record Manner(boolean mend, boolean exact) {
  String argument() {
    return (mend ? "1" : "0") + (exact ? "x" : "");
  }

  Manner looking() {
    return new Manner(false, exact);
  }
}
