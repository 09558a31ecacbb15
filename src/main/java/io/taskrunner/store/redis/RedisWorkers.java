package io.taskrunner.store.redis;

import io.taskrunner.store.WorkersStore;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.Moves;
import io.taskrunner.store.redis.link.Script;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** The list of workers, in the configuration. What one says of itself is a line of fields. */
final class RedisWorkers implements WorkersStore {

  private static final byte[] FORGOTTEN_MILLIS = Keys.bytes(Duration.ofMinutes(1).toMillis());
  private static final long ALIVE_MILLIS = Duration.ofSeconds(15).toMillis();
  private static final String BETWEEN = "\t";
  private static final byte[] NONE = new byte[0];

  private final Moves configMoves;

  RedisWorkers(Moves configMoves) {
    this.configMoves = configMoves;
  }

  @Override
  public void beat(Facts facts) {
    String line =
        String.join(
            BETWEEN,
            facts.host().replace(BETWEEN, " "),
            facts.version(),
            Integer.toString(facts.slots()),
            Integer.toString(facts.running()),
            Boolean.toString(facts.stopping()),
            Long.toString(facts.started().toEpochMilli()));
    configMoves.run(Script.BEAT, Keys.bytes(facts.id()), Keys.bytes(line), FORGOTTEN_MILLIS);
  }

  @Override
  public void gone(String id) {
    configMoves.run(Script.BEAT, Keys.bytes(id), NONE, FORGOTTEN_MILLIS);
  }

  @Override
  public List<Present> list() {
    List<Object> reply = configMoves.run(Script.WORKERS, FORGOTTEN_MILLIS);
    long now = (Long) reply.getFirst();
    List<Present> workers = new ArrayList<>();
    for (int i = 1; i < reply.size(); i += 3) {
      String id = Keys.text((byte[]) reply.get(i));
      long beat = (Long) reply.get(i + 2);
      workers.add(
          new Present(
              facts(id, Keys.text((byte[]) reply.get(i + 1))),
              Instant.ofEpochMilli(beat),
              now - beat < ALIVE_MILLIS));
    }
    workers.sort(Comparator.comparing(worker -> worker.facts().id()));
    return workers;
  }

  private static Facts facts(String id, String line) {
    String[] fields = line.split(BETWEEN, -1);
    return new Facts(
        id,
        fields[0],
        fields[1],
        Integer.parseInt(fields[2]),
        Integer.parseInt(fields[3]),
        Boolean.parseBoolean(fields[4]),
        Instant.ofEpochMilli(Long.parseLong(fields[5])));
  }
}
