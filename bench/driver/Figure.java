package driver;

/** The figures, in the order of the table. */
enum Figure {
  ACCEPTED("accepted/s", 0),
  DELIVERED("delivered/s while the intake runs", 0),
  END_TO_END("**tasks/s, first enqueue to last delivery**", 0),
  PACE("delivered by the end of the intake, % of accepted", 1),
  APP_CPU("CPU of the service, µs/task", 1),
  REDIS_CPU("CPU of Redis, µs/task", 1),
  TARGET_CPU("CPU of the target (nginx), µs/task", 1),
  IDLE("machine left idle under load, %", 0),
  OTHERS("machine used by others under load, %", 0),
  RESIDENT("resident memory of the service after load, MiB", 0),
  LOAD_READS("reads of Redis from its clients per task under load, all moves", 2),
  LATENCY_P50("enqueue to arrival at 500/s, p50 ms", 2),
  LATENCY_P99("enqueue to arrival at 500/s, p99 ms", 2),
  LATENCY_P999("enqueue to arrival at 500/s, p99.9 ms", 2),
  OTHERS_PACED("machine used by others at 500/s, %", 0),
  LATENESS_P50("lateness of scheduled tasks, p50 ms", 2),
  LATENESS_P99("lateness of scheduled tasks, p99 ms", 2),
  LATENESS_MIN("earliest of the scheduled tasks, ms after it was due", 2),
  WAITING_BYTES("Redis bytes per waiting task, 100-byte body", 0),
  ENQUEUE_READS("Redis round trips per enqueue, one at a time", 2);

  private final String label;
  private final int digits;

  Figure(String label, int digits) {
    this.label = label;
    this.digits = digits;
  }

  String label() {
    return label;
  }

  String show(double value) {
    return ("%,." + digits + "f").formatted(value);
  }
}
