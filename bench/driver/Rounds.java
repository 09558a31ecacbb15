package driver;

import static driver.Figure.ACCEPTED;
import static driver.Figure.APP_CPU;
import static driver.Figure.DELIVERED;
import static driver.Figure.END_TO_END;
import static driver.Figure.ENQUEUE_READS;
import static driver.Figure.IDLE;
import static driver.Figure.LATENCY_P50;
import static driver.Figure.LATENCY_P99;
import static driver.Figure.LATENCY_P999;
import static driver.Figure.LATENESS_MIN;
import static driver.Figure.LATENESS_P50;
import static driver.Figure.LATENESS_P99;
import static driver.Figure.LOAD_READS;
import static driver.Figure.OTHERS;
import static driver.Figure.OTHERS_PACED;
import static driver.Figure.PACE;
import static driver.Figure.REDIS_CPU;
import static driver.Figure.RESIDENT;
import static driver.Figure.TARGET_CPU;
import static driver.Figure.WAITING_BYTES;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

/**
 * The measuring itself: warms each service up, then goes round the three of them, so that what
 * changes on the machine in the meantime falls on all alike. A round in which other processes used
 * a tenth of the machine is measured again, as long as there are not more of them than rounds.
 */
final class Rounds {
  /** The body of every task: 100 bytes. */
  private static final String BODY =
      "{\"order\":4711,\"customer\":\"c-2093164512\",\"event\":\"order.paid\","
          + "\"amount_cents\":129900,\"currency\":\"EUR\"}";

  private static final int PACE_PER_SEC = 500;
  private static final double OTHERS_MAX_PERCENT = 10;

  private final Plan plan;
  private final Path folder;
  private final Optional<Path> wrk;
  private final Optional<Target> target;
  private final List<Service> services;
  private final Arrivals arrivals = new Arrivals();
  private Results results = new Results();
  private final List<String> remarks;
  private final List<Double> stolen = new ArrayList<>();

  Rounds(
      Plan plan,
      Path folder,
      Optional<Path> wrk,
      Optional<Target> target,
      List<Service> services,
      List<String> remarks)
      throws IOException {
    this.plan = plan;
    this.folder = folder;
    this.wrk = wrk;
    this.target = target;
    this.services = services;
    this.remarks = remarks;
  }

  /**
   * Measures all, with or without (a).
   *
   * @return the values; what is odd about them is in the remarks
   */
  Results measure(boolean plain) throws Exception {
    for (Service service : services) {
      Bench.say("warming up " + service.letter());
      if (target.isPresent()) {
        load(service, plan.warm());
        drain(service, target.get(), new Meter(service, target.get()));
      }
      paced(Optional.of(service), plan.paced() / 2);
    }
    if (plain) {
      paced(Optional.empty(), plan.paced() / 2);
    }
    Results kept = new Results();
    int repeats = plan.rounds();
    for (int round = 1; round <= plan.rounds(); ) {
      results = new Results();
      measureRound(plain, round);
      double others = results.most(OTHERS, OTHERS_PACED);
      if (others > OTHERS_MAX_PERCENT && repeats > 0) {
        repeats--;
        Bench.say("other processes used %.0f %% of the machine: once more".formatted(others));
      } else {
        kept.add(results);
        round++;
      }
    }
    results = kept;
    // The last measured comes last, so that what its Redis keeps for some seconds is gone by then.
    for (Service service : services.reversed()) {
      Bench.say("waiting tasks, " + service.letter());
      enqueueRoundTrips(service);
      waitingBytes(service);
    }
    arrivals.close();
    double others = results.most(OTHERS, OTHERS_PACED);
    if (others > OTHERS_MAX_PERCENT) {
      remark(
          "other processes used up to %.0f %% of the machine in a round, although %d were repeated:"
              + " measure on a quiet one",
          others, plan.rounds());
    }
    return results;
  }

  private void measureRound(boolean plain, int round) throws Exception {
    if (plain) {
      Bench.say("round " + round + " of " + plan.rounds() + ", a");
      if (target.isPresent()) {
        plainThroughput(target.get());
      }
      noteLatency("a", round, paced(Optional.empty(), plan.paced()));
    }
    for (Service service : services) {
      Bench.say("round " + round + " of " + plan.rounds() + ", " + service.letter());
      if (target.isPresent()) {
        throughput(service, target.get(), round);
      }
      noteLatency(service.letter(), round, paced(Optional.of(service), plan.paced()));
      lateness(service, round);
    }
  }

  private void plainThroughput(Target at) throws Exception {
    long cpu = at.process().cpuMicros();
    var from = Machine.Use.now();
    Load load = Load.run(wrk.orElseThrow(), folder, at.url(), BODY, plan.plain());
    var use = Machine.Use.now();
    results.add("a", IDLE, use.idlePercent(from));
    results.add("a", OTHERS, use.othersPercent(from));
    results.add("a", ACCEPTED, load.accepted() / load.seconds());
    results.add("a", DELIVERED, load.accepted() / load.seconds());
    results.add("a", END_TO_END, load.accepted() / load.seconds());
    results.add("a", TARGET_CPU, (double) (at.process().cpuMicros() - cpu) / load.accepted());
  }

  /** What has been used and done up to a moment. */
  private record Meter(
      long nanos, long delivered, long appCpu, long redisCpu, long targetCpu, Machine.Use use) {
    Meter(Service service, Target target) throws IOException {
      this(
          System.nanoTime(),
          target.answered(),
          service.process().cpuMicros(),
          service.redisProcess().cpuMicros(),
          target.process().cpuMicros(),
          Machine.Use.now());
    }
  }

  private void throughput(Service service, Target at, int round) throws Exception {
    var info = service.redis().info();
    var before = new Meter(service, at);
    Load load = load(service, plan.load());
    var intake = new Meter(service, at);
    var after = drain(service, at, intake);
    var infoAfter = service.redis().info();

    long delivered = after.delivered - before.delivered;
    String letter = service.letter();
    results.add(letter, ACCEPTED, load.accepted() / load.seconds());
    results.add(letter, DELIVERED, (intake.delivered - before.delivered) / load.seconds());
    results.add(letter, END_TO_END, delivered / ((after.nanos - before.nanos) / 1e9));
    results.add(
        letter,
        PACE,
        Math.min(100, 100.0 * (intake.delivered - before.delivered) / load.accepted()));
    results.add(letter, APP_CPU, (double) (after.appCpu - before.appCpu) / delivered);
    results.add(letter, REDIS_CPU, (double) (after.redisCpu - before.redisCpu) / delivered);
    results.add(letter, TARGET_CPU, (double) (after.targetCpu - before.targetCpu) / delivered);
    results.add(letter, IDLE, intake.use.idlePercent(before.use));
    results.add(letter, OTHERS, intake.use.othersPercent(before.use));
    results.add(letter, RESIDENT, service.process().residentMib());
    results.add(
        letter, LOAD_READS, (double) (Redis.reads(infoAfter) - Redis.reads(info)) / delivered);
    stolen.add(intake.use.stolenPercent(before.use));

    // wrk goes without waiting for its last answers, so up to one task a connection more may be
    // delivered.
    long over = delivered - load.accepted();
    if (load.refused() + load.broken() > 0 || over < 0 || over > Load.CONNECTIONS) {
      remark(
          "(%s) round %d: %,d accepted, %,d refused, %,d without an answer, %,d delivered",
          letter, round, load.accepted(), load.refused(), load.broken(), delivered);
    }
  }

  private Load load(Service service, int seconds) throws IOException, InterruptedException {
    String url = "http://127.0.0.1:" + service.port() + service.path();
    String json = service.wording().json(target.orElseThrow().url(), BODY, Optional.empty());
    return Load.run(wrk.orElseThrow(), folder, url, json, seconds);
  }

  /** Waits until nothing more has been delivered for a second; the reading at the last delivery. */
  private static Meter drain(Service service, Target at, Meter last)
      throws IOException, InterruptedException {
    while (true) {
      Thread.sleep(20);
      var now = new Meter(service, at);
      if (now.delivered != last.delivered) {
        last = now;
      } else if (now.nanos - last.nanos > 1_000_000_000) {
        return last;
      }
    }
  }

  /**
   * Sends 500 tasks a second for some seconds, straight to the recorder or through a service; ms to
   * each arrival.
   */
  private Paced paced(Optional<Service> service, int seconds) throws Exception {
    int count = PACE_PER_SEC * seconds;
    var phase = arrivals.begin(count);
    byte[][] requests = new byte[count][];
    for (int n = 0; n < count; n++) {
      requests[n] =
          service.isPresent()
              ? service.get().enqueue(arrivals.url(phase, n), BODY, Optional.empty())
              : Pacer.post(arrivals.port(), arrivals.path(phase, n), BODY);
    }
    long[] at = every(count, PACE_PER_SEC);
    try (var pacer = new Pacer(service.map(Service::port).orElse(arrivals.port()))) {
      var from = Machine.Use.now();
      var answers = pacer.send(requests, at);
      int missing = phase.await(10, TimeUnit.SECONDS);
      double others = Machine.Use.now().othersPercent(from);
      return new Paced(phase.millisSince(at), missing, phase.again(), answers, others);
    }
  }

  /** Per cent of the machine that its host gave to others under load, median. */
  double stolenPercent() {
    return stolen.isEmpty() ? 0 : Results.percentile(stolen, 50);
  }

  private record Paced(
      List<Double> millis, int missing, int again, Map<String, Integer> answers, double others) {}

  private void noteLatency(String letter, int round, Paced paced) {
    if (!paced.millis.isEmpty()) {
      results.add(letter, LATENCY_P50, Results.percentile(paced.millis, 50));
      results.add(letter, LATENCY_P99, Results.percentile(paced.millis, 99));
      results.add(letter, LATENCY_P999, Results.percentile(paced.millis, 99.9));
    }
    results.add(letter, OTHERS_PACED, paced.others);
    remarkUnless(paced, letter, round, "paced");
  }

  private void lateness(Service service, int round) throws Exception {
    int count = plan.scheduled();
    var phase = arrivals.begin(count);
    long nanos = System.nanoTime();
    Instant now = Instant.now();
    // All are in a second before the first is due. They come in no order, as they would from many
    // callers.
    Instant first =
        now.plusMillis(1_000L * count / PACE_PER_SEC + 1_000).truncatedTo(ChronoUnit.MILLIS);
    var offsets =
        new ArrayList<>(
            IntStream.range(0, count).map(n -> n * plan.window() * 1_000 / count).boxed().toList());
    Collections.shuffle(offsets, new Random(round));
    byte[][] requests = new byte[count][];
    long[] due = new long[count];
    for (int n = 0; n < count; n++) {
      Instant time = first.plusMillis(offsets.get(n));
      requests[n] = service.enqueue(arrivals.url(phase, n), BODY, Optional.of(time));
      due[n] = nanos + Duration.between(now, time).toNanos();
    }
    try (var pacer = new Pacer(service.port())) {
      var answers = pacer.send(requests, every(count, PACE_PER_SEC));
      int missing = phase.await(plan.window() + 15, TimeUnit.SECONDS);
      var paced = new Paced(phase.millisSince(due), missing, phase.again(), answers, 0);
      if (!paced.millis.isEmpty()) {
        results.add(service.letter(), LATENESS_P50, Results.percentile(paced.millis, 50));
        results.add(service.letter(), LATENESS_P99, Results.percentile(paced.millis, 99));
        results.add(service.letter(), LATENESS_MIN, Results.percentile(paced.millis, 0));
      }
      remarkUnless(paced, service.letter(), round, "scheduled");
    }
  }

  private void remarkUnless(Paced paced, String letter, int round, String kind) {
    int count = paced.millis.size() + paced.missing;
    boolean accepted = paced.answers.keySet().stream().allMatch(status -> status.startsWith("20"));
    if (paced.missing > 0 || paced.again > 0 || !accepted) {
      remark(
          "(%s) round %d: of %,d %s tasks %,d did not arrive, %,d arrived again; answers %s",
          letter, round, count, kind, paced.missing, paced.again, paced.answers);
    }
  }

  /**
   * Enqueues for an hour from now, one at a time on an idle service, and counts how often Redis is
   * spoken to.
   */
  private void enqueueRoundTrips(Service service) throws Exception {
    int count = 300;
    var idleFrom = service.redis().info();
    long idleNanos = System.nanoTime();
    Thread.sleep(2_000);
    var from = service.redis().info();
    long nanos = System.nanoTime();
    double idlePerNano =
        (double) (Redis.reads(from) - Redis.reads(idleFrom) - 1) / (nanos - idleNanos);
    try (var pacer = new Pacer(service.port())) {
      remarkRefused(service, pacer.sendInTurn(waiting(service, count)));
    }
    double own = 1 + idlePerNano * (System.nanoTime() - nanos);
    results.add(
        service.letter(),
        ENQUEUE_READS,
        (Redis.reads(service.redis().info()) - Redis.reads(from) - own) / count);
  }

  /** What Redis' memory grows by when tasks wait for a time an hour away. */
  private void waitingBytes(Service service) throws Exception {
    awaitSameSize(service);
    long from = Redis.dataBytes(service.redis().info());
    try (var pacer = new Pacer(service.port())) {
      remarkRefused(
          service, pacer.send(waiting(service, plan.waiting()), every(plan.waiting(), 2_000)));
    }
    Thread.sleep(1_000);
    long to = Redis.dataBytes(service.redis().info());
    results.add(service.letter(), WAITING_BYTES, (double) (to - from) / plan.waiting());
  }

  private byte[][] waiting(Service service, int count) {
    Instant due = Instant.now().plusSeconds(3_600);
    byte[][] requests = new byte[count][];
    for (int n = 0; n < count; n++) {
      requests[n] =
          service.enqueue(
              "http://127.0.0.1:" + arrivals.port() + "/waits",
              BODY,
              Optional.of(due.plusMillis(n)));
    }
    return requests;
  }

  private void remarkRefused(Service service, Map<String, Integer> answers) {
    if (!answers.keySet().equals(Set.of("201"))) {
      remark("(%s) waiting tasks: answers %s", service.letter(), answers);
    }
  }

  /**
   * Waits until what earlier phases left in Redis has expired: its number of keys stays the same
   * for 2 s.
   */
  private static void awaitSameSize(Service service) throws IOException, InterruptedException {
    String before = "";
    for (int same = 0, looks = 0; same < 4 && looks < 60; looks++) {
      Thread.sleep(500);
      String now = service.redis().info().getOrDefault("db0", "");
      now = now.replaceAll(",avg_ttl.*", "");
      same = now.equals(before) ? same + 1 : 0;
      before = now;
    }
  }

  private void remark(String format, Object... values) {
    remarks.add(format.formatted(values));
    Bench.say(remarks.getLast());
  }

  /** Times from half a second ahead, evenly spaced. */
  private static long[] every(int count, int perSecond) {
    long start = System.nanoTime() + 500_000_000;
    return IntStream.range(0, count)
        .mapToLong(n -> start + n * 1_000_000_000L / perSecond)
        .toArray();
  }
}
