package io.taskrunner.store;

/** The moves of the store, by whom they are for. */
public interface Stores {

  /** The moves of tasks. */
  TaskStore tasks();

  /** The moves of queues. */
  QueueStore queues();

  /** Schedules and their ticks. */
  ScheduleStore schedules();

  /** Clients, keys and tiers. */
  ClientStore clients();

  /** Hosts with limits of their own. */
  HostStore hosts();

  /** What the requests of clients' tasks are signed with. */
  SigningStore signing();

  /** Named keys of admins. */
  AdminKeyStore adminKeys();

  /** What admins changed. */
  AuditStore audits();

  /** Configuration changes of many objects at once. */
  ConfigStore configuration();

  /** Which workers there are. */
  WorkersStore workers();

  /** Operations on many tasks. */
  OperationStore operations();

  /** The state of the store itself. */
  SystemStore system();
}
