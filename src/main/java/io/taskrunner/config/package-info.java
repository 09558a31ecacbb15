/**
 * The settings reader, and one record of settings for each room.
 *
 * <p>A setting is declared once, where it is read: its name, default, range and meaning. The table
 * of {@code --help} and the page {@code docs/reference/settings.md} are made from those
 * declarations. This room knows the environment and files of secrets; it knows no other room, no
 * network and no clock.
 */
@NullMarked
package io.taskrunner.config;

import org.jspecify.annotations.NullMarked;
