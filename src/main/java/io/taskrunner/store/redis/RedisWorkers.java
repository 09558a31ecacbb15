package io.taskrunner.store.redis;

import io.taskrunner.store.WorkersStore;
import io.taskrunner.store.redis.link.Reply;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.link.Shard;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;

/** The list of workers, in the configuration. The description of each is a line of fields. */
final class RedisWorkers implements WorkersStore {

  private static final long FORGOTTEN_MILLIS = Duration.ofMinutes(1).toMillis();
  private static final long ALIVE_MILLIS = Duration.ofSeconds(15).toMillis();
  private static final String BETWEEN = "\t";

  private final Shard config;

  RedisWorkers(Shard config) {
    this.config = config;
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
    config.moves().run(Script.BEAT, facts.id(), line, FORGOTTEN_MILLIS);
  }

  @Override
  public void gone(String id) {
    config.moves().run(Script.BEAT, id, null, FORGOTTEN_MILLIS);
  }

  @Override
  public List<Present> list() {
    Reply reply = config.moves().run(Script.WORKERS, FORGOTTEN_MILLIS);
    long now = reply.number();
    return reply.rest(worker -> present(worker, now)).stream()
        .sorted(Comparator.comparing(worker -> worker.facts().id()))
        .toList();
  }

  private static Present present(Reply worker, long now) {
    Facts facts = facts(worker.text(), worker.text());
    long beat = worker.number();
    return new Present(facts, Instant.ofEpochMilli(beat), now - beat < ALIVE_MILLIS);
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
