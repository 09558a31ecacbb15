package io.taskrunner.cli;

import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Enqueues tasks at a constant rate, and reports the latency of the calls. */
@Command(
    name = "load",
    description = "Enqueue many tasks at a constant rate and report the latency of the calls.",
    footer = {
      "",
      "Examples:",
      "  task-runner load http://127.0.0.1:9000/ --client load --rate 100 --count 3000",
      "",
      "Each task sends one request to TARGET: use a server of your own that can take the load."
    })
final class LoadCommand extends Verb {

  private static final int AT_ONCE = 64;

  private static final int BAR = 30;

  @Parameters(paramLabel = "TARGET", description = "URL to send the requests to (http or https).")
  private String target = "";

  @Mixin private final EnqueueCommand.TaskOptions task = new EnqueueCommand.TaskOptions();

  @Option(names = "--rate", paramLabel = "N", description = "Calls per second (default: 10).")
  private double rate = 10;

  @Option(
      names = "--count",
      paramLabel = "N",
      description = "Total number of calls (default: 100).")
  private int count = 100;

  private final AtomicInteger accepted = new AtomicInteger();
  private final AtomicInteger limited = new AtomicInteger();
  private final AtomicInteger unavailable = new AtomicInteger();
  private final AtomicReference<@Nullable Failure> failure = new AtomicReference<>();

  @Override
  int run(Api api, Out out) throws Failure, InterruptedException {
    if (rate <= 0 || rate > 10_000 || count < 1 || count > 10_000_000) {
      throw new Failure(
          Failure.MISUSED,
          "--rate: above 0, at most 10000; --count: 1 to 10000000 (given: "
              + rate
              + ", "
              + count
              + ")");
    }
    String body = JsonText.write(task.fields(target, api, around()));
    long[] micros = new long[count];
    CountDownLatch over = new CountDownLatch(count);
    Semaphore places = new Semaphore(AT_ONCE);
    long began = System.nanoTime();
    try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < count; i++) {
        awaitTurn(began, i, out);
        if (failure.get() != null) {
          break;
        }
        places.acquire();
        int number = i;
        callers.execute(() -> {
          micros[number] = call(api, body);
          places.release();
          over.countDown();
        });
      }
    }
    Failure why = failure.get();
    if (why != null) {
      throw why;
    }
    over.await();
    tell(out, micros, System.nanoTime() - began);
    return accepted.get() == count ? 0 : Failure.REFUSED;
  }

  /** Waits until a call is due; shows the progress meanwhile. */
  private void awaitTurn(long began, int number, Out out) throws InterruptedException {
    long at = began + (long) (number * 1e9 / rate);
    if (around().terminal() && !out.json() && number % Math.max(1, (int) (rate / 5)) == 0) {
      int full = (int) ((long) BAR * number / count);
      out.to()
          .print(
              "\r["
                  + "#".repeat(full)
                  + " ".repeat(BAR - full)
                  + "] "
                  + number
                  + " of "
                  + count
                  + ", "
                  + accepted.get()
                  + " accepted ");
      out.to().flush();
    }
    long left = at - System.nanoTime();
    if (left > 0) {
      TimeUnit.NANOSECONDS.sleep(left);
    }
  }

  private long call(Api api, String body) {
    long began = System.nanoTime();
    try {
      Api.Reply reply = api.send("POST", "/v1/enqueue", body);
      switch (reply.status()) {
        case 200, 201 -> accepted.incrementAndGet();
        case 429 -> limited.incrementAndGet();
        case 503 -> unavailable.incrementAndGet();
        default -> throw Api.refusal(reply);
      }
    } catch (Failure refused) {
      failure.compareAndSet(null, refused);
    }
    return (System.nanoTime() - began) / 1000;
  }

  private void tell(Out out, long[] micros, long nanos) {
    Arrays.sort(micros);
    Map<String, @Nullable Object> figures =
        members(
            "calls",
            count,
            "accepted",
            accepted.get(),
            "rate_limited",
            limited.get(),
            "unavailable",
            unavailable.get(),
            "seconds",
            Math.round(nanos / 1e6) / 1000.0,
            "per_sec",
            Math.round(count / (nanos / 1e9) * 10) / 10.0,
            "p50_ms",
            millis(micros, 0.5),
            "p99_ms",
            millis(micros, 0.99),
            "max_ms",
            millis(micros, 1));
    if (out.json()) {
      out.to().println(JsonText.write(figures));
    } else {
      if (around().terminal()) {
        out.to().print("\r\u001b[K");
      }
      out.whole(figures);
    }
  }

  private static double millis(long[] sorted, double part) {
    int at = Math.clamp((long) Math.ceil(part * sorted.length) - 1, 0, sorted.length - 1);
    return sorted[at] / 1000.0;
  }
}
