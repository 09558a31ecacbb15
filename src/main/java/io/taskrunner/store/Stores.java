package io.taskrunner.store;

/** The operations of the store, by topic. */
public interface Stores {

  /** Operations on tasks. */
  TaskStore tasks();

  /** Operations on queues. */
  QueueStore queues();

  /** Schedules and their ticks. */
  ScheduleStore schedules();

  /** Clients, keys and tiers. */
  ClientStore clients();

  /** Hosts with limits of their own. */
  HostStore hosts();

  /** The secrets that sign the requests of clients' tasks. */
  SigningStore signing();

  /** Named admin keys. */
  AdminKeyStore adminKeys();

  /** Sessions of the dashboard. */
  SessionStore sessions();

  /** The audit log of admin changes. */
  AuditStore audits();

  /** Configuration changes of many objects at once. */
  ConfigStore configuration();

  /** The list of workers. */
  WorkersStore workers();

  /** Operations on many tasks. */
  OperationStore operations();

  /** Answers that processes share. */
  AnswerStore answers();

  /** What happened in the queues. */
  SeriesStore series();

  /** The state of the store itself. */
  SystemStore system();
}
