package io.taskrunner.config;

/**
 * What is declared of one variable of the environment.
 *
 * @param section the heading it stands under
 * @param name the variable
 * @param fallback what holds when it is not set, in words where it is no plain value
 * @param allowed the values it may have, in words
 * @param meaning what it does, in one sentence without a full stop
 * @param secret whether it may be given as {@code NAME_FILE} and is never printed
 */
public record Setting(
    String section, String name, String fallback, String allowed, String meaning, boolean secret) {}
