package io.taskrunner.telemetry;

import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Creates spans. The creator of a span names its parent in the format of W3C Trace Context, because
 * that is how a trace travels: in the caller's headers, in the task's record, and on to the target.
 */
public final class Tracing {

  /** The header of a trace's ids, and the member of a {@link Place}. */
  public static final String TRACEPARENT = "traceparent";

  /** The header of vendors' additions to it. */
  public static final String TRACESTATE = "tracestate";

  private static final W3CTraceContextPropagator WRITTEN = W3CTraceContextPropagator.getInstance();

  private static final TextMapGetter<Place> READ =
      new TextMapGetter<>() {
        @Override
        public Iterable<String> keys(Place place) {
          return List.of(TRACEPARENT, TRACESTATE);
        }

        @Override
        public @Nullable String get(@Nullable Place place, String key) {
          if (place == null) {
            return null;
          }
          return key.equals(TRACEPARENT) ? place.traceparent() : place.tracestate();
        }
      };

  private final Tracer tracer;

  /** The side of a call that a span is on. */
  public enum Side {
    /** The server's side. */
    SERVER(SpanKind.SERVER),
    /** The caller's side. */
    CLIENT(SpanKind.CLIENT);

    private final SpanKind kind;

    Side(SpanKind kind) {
      this.kind = kind;
    }
  }

  /**
   * A place in a trace, in the format of W3C Trace Context.
   *
   * @param traceparent ids and flags; null for none
   * @param tracestate vendors' additions; null for none
   */
  public record Place(@Nullable String traceparent, @Nullable String tracestate) {}

  /** Spans of this program. */
  public Tracing(OpenTelemetry telemetry) {
    this.tracer = telemetry.getTracer("io.taskrunner");
  }

  /**
   * Begins a span.
   *
   * @param parent its parent; an unreadable one counts as none
   */
  public Trace begin(Side side, String name, Place parent) {
    return begin(side, name, parent, false);
  }

  /** Begins a span that is also linked to its parent: they may be far apart in time. */
  public Trace beginLinked(Side side, String name, Place parent) {
    return begin(side, name, parent, true);
  }

  /**
   * Begins a span of a script in Redis.
   *
   * @param name of the script
   * @param batch how many calls share it
   */
  public Trace script(String name, int batch, Place parent) {
    return begin(Side.CLIENT, "FCALL " + name, parent)
        .set("db.system.name", "redis")
        .set("db.operation.name", "FCALL")
        .set("db.stored_procedure.name", name)
        .set("db.operation.batch.size", batch);
  }

  private Trace begin(Side side, String name, Place parent, boolean linked) {
    Context context = WRITTEN.extract(Context.root(), parent, READ);
    SpanBuilder builder = tracer.spanBuilder(name).setSpanKind(side.kind).setParent(context);
    if (linked && Span.fromContext(context).getSpanContext().isValid()) {
      builder.addLink(Span.fromContext(context).getSpanContext());
    }
    return new Trace(builder.startSpan());
  }

  /** The id of the trace that a place is in. */
  public static Optional<String> traceId(@Nullable String traceparent) {
    return traceparent == null || traceparent.length() < 36
        ? Optional.empty()
        : Optional.of(traceparent.substring(3, 35));
  }

  /** A span that has begun. Its methods may be called on any thread. */
  public static final class Trace {
    private final Span span;

    private Trace(Span span) {
      this.span = span;
    }

    /** Its place in the trace, for its children. */
    public Place place() {
      Map<String, String> written = HashMap.newHashMap(2);
      WRITTEN.inject(
          span.storeInContext(Context.root()),
          written,
          (map, key, value) -> {
            if (map != null) {
              map.put(key, value);
            }
          });
      return new Place(written.get(TRACEPARENT), written.get(TRACESTATE));
    }

    /** Sets a text attribute, by a name of the semantic conventions. */
    public Trace set(String name, String value) {
      span.setAttribute(name, value);
      return this;
    }

    /** Sets a number attribute. */
    public Trace set(String name, long value) {
      span.setAttribute(name, value);
      return this;
    }

    /** Marks it as failed; the word is {@code error.type}. */
    public Trace failed(String word) {
      span.setAttribute("error.type", word);
      span.setStatus(StatusCode.ERROR);
      return this;
    }

    /** Ends it. */
    public void end() {
      span.end();
    }
  }
}
