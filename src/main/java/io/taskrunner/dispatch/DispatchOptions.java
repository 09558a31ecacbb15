package io.taskrunner.dispatch;

import io.taskrunner.config.DispatchSettings;

/**
 * How attempts are made.
 *
 * @param version of this program, for {@code User-Agent}
 * @param settings the operator's
 * @param traced whether each attempt has a span, which its claim names; else a target gets a new
 *     parent id in the caller's trace
 */
public record DispatchOptions(String version, DispatchSettings settings, boolean traced) {}
