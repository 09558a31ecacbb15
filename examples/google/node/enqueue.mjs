// Google's Cloud Tasks client against Task Runner: npm ci && node enqueue.mjs '{"order": 4711}'
// TASK_RUNNER_ADDRESS (host:port) and TARGET come from the environment. Prints the name of the task.
import { CloudTasksClient } from '@google-cloud/tasks';
import { credentials } from '@grpc/grpc-js';

const { TASK_RUNNER_ADDRESS = 'localhost:8080', TARGET } = process.env;
const [apiEndpoint, port] = TASK_RUNNER_ADDRESS.split(':');

// Without sslCreds it speaks TLS, as with Google. It repeats calls itself, when they fail with UNAVAILABLE.
const client = new CloudTasksClient({ apiEndpoint, port: Number(port), projectId: 'shop', sslCreds: credentials.createInsecure() });
const parent = client.queuePath('shop', 'europe-west1', 'orders');
try {
  await client.createQueue({ parent: client.locationPath('shop', 'europe-west1'), queue: { name: parent } });
} catch (failure) {
  if (failure.code !== 6) throw failure; // ALREADY_EXISTS
}
const [task] = await client.createTask({
  parent,
  task: { httpRequest: { url: TARGET, httpMethod: 'POST', body: Buffer.from(process.argv[2] ?? '{}').toString('base64') } },
});
console.log(task.name);
await client.close();
