package io.taskrunner.store.redis.link;

import io.micrometer.core.instrument.MeterRegistry;
import io.netty.channel.EventLoopGroup;
import io.taskrunner.telemetry.Tracing;
import java.util.Optional;

/**
 * The resources that the store shares with the rest of the program.
 *
 * @param loops event loops to run on
 * @param registry records the time of each command
 * @param tracing receives the spans of enqueues; empty for none
 */
public record Shared(EventLoopGroup loops, MeterRegistry registry, Optional<Tracing> tracing) {}
