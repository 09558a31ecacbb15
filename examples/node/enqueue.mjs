// Enqueues a task that is sent to TARGET: node enqueue.mjs '{"order": 4711}'
// TASK_RUNNER_URL, TASK_RUNNER_API_KEY and TARGET come from the environment. Prints the id of the task.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

const { TASK_RUNNER_URL = 'http://localhost:8080', TASK_RUNNER_API_KEY, TARGET } = process.env;

/** Enqueues once, however often the call has to be repeated: each repetition has the same idempotency key. */
async function enqueue(task, { idempotencyKey = randomUUID(), attempts = 5 } = {}) {
  for (let attempt = 1; ; attempt++) {
    let wait = 2 ** attempt;
    try {
      const response = await fetch(`${TASK_RUNNER_URL}/v1/enqueue`, {
        method: 'POST',
        headers: {
          'Content-Type': 'application/json',
          Authorization: `Bearer ${TASK_RUNNER_API_KEY}`,
          'Idempotency-Key': idempotencyKey,
        },
        body: JSON.stringify({ task }),
        signal: AbortSignal.timeout(10_000),
      });
      const answer = await response.json();
      if (response.ok) {
        return answer.task_id; // 201 enqueued, or 200: an earlier repetition was already accepted
      }
      // 429: a limit, and nothing was accepted. 503: unknown; the task may have been accepted.
      if (![429, 503].includes(response.status) || attempt === attempts) {
        throw Object.assign(new Error(`${response.status} ${answer.code}: ${answer.detail}`), { final: true });
      }
      wait = Number(response.headers.get('Retry-After') ?? wait);
    } catch (failure) {
      if (failure.final || attempt === attempts) throw failure; // otherwise no connection: unknown, too
    }
    await sleep(wait * 1000);
  }
}

const body = process.argv[2] ?? '{}';
console.log(await enqueue({ url: TARGET, body }));
