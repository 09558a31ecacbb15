package driver;

/**
 * How long each part takes: seconds, but for the counts.
 *
 * @param rounds how often each is measured
 * @param plain plain load on the target
 * @param warm load on each service before anything counts
 * @param load load on each service
 * @param paced tasks at an even pace
 * @param scheduled how many tasks are given a time
 * @param window over how long these are spread
 * @param waiting how many tasks are left waiting to weigh them
 */
record Plan(
    int rounds, int plain, int warm, int load, int paced, int scheduled, int window, int waiting) {
  static final Plan FULL = new Plan(3, 4, 30, 10, 6, 1_000, 5, 10_000);
  static final Plan QUICK = new Plan(1, 2, 2, 3, 2, 300, 2, 2_000);

  Plan withRounds(int count) {
    return new Plan(count, plain, warm, load, paced, scheduled, window, waiting);
  }
}
