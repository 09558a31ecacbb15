package io.taskrunner.store;

import java.time.Duration;
import java.util.List;

/** Passes all calls on to another store; what watches some of them overrides these. */
public abstract class ForwardingWorkStore implements WorkStore {

  private final WorkStore store;

  /** Over the store that does the work. */
  protected ForwardingWorkStore(WorkStore store) {
    this.store = store;
  }

  @Override
  public Exchange exchange(List<Settlement> verdicts, ClaimRequest claim) {
    return store.exchange(verdicts, claim);
  }

  @Override
  public List<Settled> settle(String workerId, List<Settlement> verdicts) {
    return store.settle(workerId, verdicts);
  }

  @Override
  public List<Ended> renew(String workerId, Duration lease, List<Running> running) {
    return store.renew(workerId, lease, running);
  }

  @Override
  public AutoCloseable listen(String workerId, Listener listener) {
    return store.listen(workerId, listener);
  }

  @Override
  public void leave(String workerId) {
    store.leave(workerId);
  }

  @Override
  public List<Breaker> breakers() {
    return store.breakers();
  }
}
