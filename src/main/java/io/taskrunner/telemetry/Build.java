package io.taskrunner.telemetry;

/**
 * Which build of the program this is.
 *
 * @param version such as {@code 0.1.0}
 * @param commit the source it was built from; {@code unknown} when not given
 * @param buildTime RFC 3339; {@code unknown} when not given
 */
public record Build(String version, String commit, String buildTime) {}
