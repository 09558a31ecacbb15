// The peer of the benchmark: what one would write with BullMQ to get a task over HTTP and perform it over HTTP.
// It follows BullMQ's own advice (docs: "Connections", "Going to production"): one connection that fails fast for
// the queue, one that retries for ever for the worker, noeviction and an append-only file in Redis, jobs removed when
// done, no autopipelining (its maintainer advises against it, issues 457 and 1127 of taskforcesh/bullmq).
//
// It checks less than Task Runner does: no rate limits, no idempotency keys, no guard of addresses, no turns between
// clients. All that counts in its favour.

import process from 'node:process';
import { Queue, UnrecoverableError, Worker } from 'bullmq';
import Fastify from 'fastify';
import { Redis } from 'ioredis';
import { Agent, request } from 'undici';

const port = Number(process.env.PORT ?? 8090);
const redisUrl = process.env.REDIS_URL ?? 'redis://127.0.0.1:6379';
const concurrency = Number(process.env.WORKER_CONCURRENCY ?? 64);

const taskSchema = {
  type: 'object',
  required: ['url'],
  additionalProperties: false,
  properties: {
    url: { type: 'string', maxLength: 2083, pattern: '^https?://' },
    method: { type: 'string', enum: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'], default: 'POST' },
    headers: { type: 'object', additionalProperties: { type: 'string' } },
    body: { type: 'string' },
    schedule_time: { type: 'integer', minimum: 0, description: 'ms since the epoch; absent or past: now' },
  },
};
const answerSchema = {
  201: { type: 'object', properties: { status: { type: 'string' }, task_id: { type: 'string' } } },
};

const queueConnection = new Redis(redisUrl, { enableOfflineQueue: false, maxRetriesPerRequest: 1, lazyConnect: true });
const workerConnection = new Redis(redisUrl, { maxRetriesPerRequest: null });
await queueConnection.connect();

const queue = new Queue('tasks', {
  connection: queueConnection,
  defaultJobOptions: {
    attempts: 5,
    backoff: { type: 'exponential', delay: 1000 },
    removeOnComplete: true,
    removeOnFail: { count: 100_000 },
  },
});

const targets = new Agent({ connections: concurrency, pipelining: 1, connect: { timeout: 10_000 } });

async function deliver(job) {
  const { url, method, headers, body } = job.data;
  const answer = await request(url, {
    method,
    headers: { 'content-type': 'application/json', 'x-task-id': job.id, 'x-task-retry': String(job.attemptsMade), ...headers },
    body,
    dispatcher: targets,
    headersTimeout: 1_800_000,
    bodyTimeout: 1_800_000,
  });
  await answer.body.dump();
  const status = answer.statusCode;
  if (status >= 200 && status < 300) return;
  if (status >= 500 || status === 408 || status === 425 || status === 429) throw new Error(`target answered ${status}`);
  throw new UnrecoverableError(`target answered ${status}`);
}

const worker = new Worker('tasks', deliver, { connection: workerConnection, concurrency });
worker.on('error', (error) => console.error(error));

const server = Fastify({ logger: false, bodyLimit: 1_048_576 });

server.post('/enqueue', { schema: { body: taskSchema, response: answerSchema } }, async (received, reply) => {
  const { schedule_time: due, ...task } = received.body;
  const now = Date.now();
  const job = await queue.add('task', task, { timestamp: now, delay: due > now ? due - now : 0 });
  reply.code(201);
  return { status: 'enqueued', task_id: job.id };
});

server.get('/health/ready', async () => ({ status: (await queueConnection.ping()) === 'PONG' ? 'ok' : 'down' }));

await Promise.all([queue.waitUntilReady(), worker.waitUntilReady()]);
await server.listen({ port, host: '127.0.0.1' });

async function stop() {
  await server.close();
  await worker.close(true);
  await queue.close();
  queueConnection.disconnect();
  workerConnection.disconnect();
  await targets.destroy();
  process.exit(0);
}
process.once('SIGTERM', stop);
process.once('SIGINT', stop);
