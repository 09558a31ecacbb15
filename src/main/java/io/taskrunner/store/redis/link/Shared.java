package io.taskrunner.store.redis.link;

import io.micrometer.core.instrument.MeterRegistry;
import io.netty.channel.EventLoopGroup;
import io.taskrunner.telemetry.Tracing;
import java.util.Optional;

/**
 * What the store shares with the rest of the program.
 *
 * @param loops to run on
 * @param registry where the time of each command is counted
 * @param tracing where spans of enqueues go; empty for none
 */
public record Shared(EventLoopGroup loops, MeterRegistry registry, Optional<Tracing> tracing) {}
