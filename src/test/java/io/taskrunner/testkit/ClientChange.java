package io.taskrunner.testkit;

import io.taskrunner.store.ClientStore.Change;
import io.taskrunner.store.Given;
import java.util.List;

/** A change to some fields of a client, which keeps the others. */
public final class ClientChange {

  private Given<String> tier = Given.nothing();
  private Given<Boolean> enabled = Given.nothing();
  private Given<Integer> maxConcurrent = Given.nothing();
  private Given<Integer> requestsPerMin = Given.nothing();
  private Given<List<String>> queues = Given.nothing();
  private Given<List<String>> accounts = Given.nothing();
  private Given<Integer> maxWaiting = Given.nothing();
  private Given<Long> maxWaitingBytes = Given.nothing();

  private ClientChange() {}

  public static ClientChange of() {
    return new ClientChange();
  }

  public ClientChange tier(String name) {
    tier = Given.of(name);
    return this;
  }

  public ClientChange enabled(boolean whether) {
    enabled = Given.of(whether);
    return this;
  }

  public ClientChange limits(Integer concurrent, Integer perMin) {
    maxConcurrent = Given.of(concurrent);
    requestsPerMin = Given.of(perMin);
    return this;
  }

  public ClientChange queues(List<String> allowed) {
    queues = Given.of(allowed);
    return this;
  }

  public ClientChange accounts(List<String> allowed) {
    accounts = Given.of(allowed);
    return this;
  }

  public ClientChange maxWaiting(Integer tasks) {
    maxWaiting = Given.of(tasks);
    return this;
  }

  public ClientChange maxWaitingBytes(Long bytes) {
    maxWaitingBytes = Given.of(bytes);
    return this;
  }

  public Change done() {
    return new Change(
        tier,
        enabled,
        maxConcurrent,
        requestsPerMin,
        queues,
        accounts,
        maxWaiting,
        maxWaitingBytes);
  }
}
