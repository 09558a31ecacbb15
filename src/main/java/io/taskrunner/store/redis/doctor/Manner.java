package io.taskrunner.store.redis.doctor;

/**
 * How the doctor goes about it.
 *
 * @param mend whether what is found is mended
 * @param exact whether what is to be counted at one moment may hold Redis up
 */
record Manner(boolean mend, boolean exact) {
  String argument() {
    return (mend ? "1" : "0") + (exact ? "x" : "");
  }

  Manner looking() {
    return new Manner(false, exact);
  }
}
