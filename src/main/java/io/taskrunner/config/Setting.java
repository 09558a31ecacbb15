package io.taskrunner.config;

/**
 * The declaration of one environment variable.
 *
 * @param section its heading
 * @param name the variable
 * @param fallback its default, or a description of it
 * @param allowed the values it may have
 * @param meaning what it sets, without a full stop
 * @param secret whether it can be read from {@code NAME_FILE} and is never printed
 */
public record Setting(
    String section, String name, String fallback, String allowed, String meaning, boolean secret) {}
