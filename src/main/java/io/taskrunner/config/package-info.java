/**
 * The settings reader, and one record of settings for each package.
 *
 * <p>A setting is declared once, where it is read: its name, default, range and meaning. The table
 * of {@code task-runner settings} and the page {@code docs/reference/settings.md} are generated
 * from those declarations. This package uses the environment and files of secrets; it imports no
 * other package and uses no network and no clock.
 */
@NullMarked
package io.taskrunner.config;

import org.jspecify.annotations.NullMarked;
