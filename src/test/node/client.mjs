// Google's Node client against the server at HOST:PORT, by one transport: every method, and the
// errors as the client tells them. Ends with status 0 and "all is well" when all is. Speaks TLS when
// TLS_CA names the file of who is trusted.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {pathToFileURL} from 'node:url';

const [address, transport, modules] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${modules}/package.json`));
const {CloudTasksClient} = require('@google-cloud/tasks');
const {GoogleAuth, grpc} = require('google-gax');
const [host, port] = address.split(':');

const rest = transport === 'rest';
const authority = process.env.TLS_CA;

// [docs: a client]
const client = new CloudTasksClient({
  apiEndpoint: host,
  port: Number(port),
  projectId: 'shop',
  ...(rest
    ? {fallback: true, protocol: authority ? 'https' : 'http', auth: anonymous()}
    : {
        sslCreds: authority
          ? grpc.credentials.createSsl(readFileSync(authority))
          : grpc.credentials.createInsecure(),
      }),
});

// REST wants an auth client in any case; this one adds no header.
function anonymous() {
  const auth = new GoogleAuth();
  auth.getClient = async () => ({getRequestHeaders: async () => new Headers(), request: undefined});
  auth.getRequestHeaders = async () => new Headers();
  auth.fetch = (url, options) => fetch(url, options);
  return auth;
}
// [docs: end]

async function refused(code, message, call) {
  await assert.rejects(call, error => {
    assert.equal(error.code, code, error.message);
    assert.ok(error.message.includes(message), error.message);
    return true;
  });
}

const parent = client.locationPath('shop', 'europe-west1');
const name = client.queuePath('shop', 'europe-west1', `node-${transport}`);
const later = {seconds: Math.floor(Date.now() / 1000) + 3600};

const [made] = await client.createQueue({
  parent,
  queue: {name, rateLimits: {maxDispatchesPerSecond: 0.25}, retryConfig: {maxAttempts: -1}},
});
assert.equal(made.name, name);
assert.equal(made.rateLimits.maxBurstSize, 10);
assert.equal(made.retryConfig.maxAttempts, -1);
assert.equal(Number(made.retryConfig.maxBackoff.seconds), 3600);
assert.equal(made.state, 'RUNNING');
await refused(6, 'Queue already exists', () => client.createQueue({parent, queue: {name}}));
await refused(3, 'less than or equal to 500', () =>
  client.createQueue({
    parent,
    queue: {name: `${name}-2`, rateLimits: {maxDispatchesPerSecond: 501}},
  })
);

const [got] = await client.getQueue({name});
assert.deepEqual(got, made);
const [changed] = await client.updateQueue({
  queue: {name, rateLimits: {maxDispatchesPerSecond: 500}},
  updateMask: {paths: ['rate_limits.max_dispatches_per_second']},
});
assert.equal(changed.rateLimits.maxBurstSize, 100);
assert.equal(changed.retryConfig.maxAttempts, -1);
const [listed] = await client.listQueues({parent});
assert.ok(listed.some(queue => queue.name === name));
assert.equal((await client.pauseQueue({name}))[0].state, 'PAUSED');
assert.equal((await client.resumeQueue({name}))[0].state, 'RUNNING');

const [policy] = await client.setIamPolicy({
  resource: name,
  policy: {bindings: [{role: 'roles/viewer', members: ['user:a@b.c']}]},
});
assert.equal(policy.bindings.length, 1);
assert.equal((await client.getIamPolicy({resource: name}))[0].bindings[0].role, 'roles/viewer');
const [may] = await client.testIamPermissions({resource: name, permissions: ['a.b.c']});
assert.deepEqual(may.permissions, ['a.b.c']);

const taskName = `${name}/tasks/t1`;
const body = Buffer.from('hello');
const [task] = await client.createTask({
  parent: name,
  task: {
    name: taskName,
    scheduleTime: later,
    httpRequest: {url: 'http://127.0.0.1:1/', httpMethod: 'PUT', headers: {'X-a': 'b'}, body},
  },
  responseView: 'FULL',
});
assert.equal(task.httpRequest.headers['User-Agent'], 'Google-Cloud-Tasks');
assert.equal(Buffer.from(task.httpRequest.body, 'base64').length > 0, true);
assert.equal(task.view, 'FULL');
assert.equal((await client.getTask({name: taskName}))[0].httpRequest.body.length, 0);
const [tasks] = await client.listTasks({parent: name});
assert.deepEqual(tasks.map(one => one.name), [taskName]);
await refused(6, 'Requested entity already exists', () =>
  client.createTask({
    parent: name,
    task: {name: taskName, httpRequest: {url: 'http://127.0.0.1:1/'}},
  })
);
await refused(3, 'HttpRequest.url is required.', () =>
  client.createTask({parent: name, task: {httpRequest: {}}})
);
const [run] = await client.runTask({name: taskName});
assert.equal(run.dispatchCount, 1);
await client.deleteTask({name: taskName});
await refused(5, 'The task no longer exists', () => client.getTask({name: taskName}));
assert.ok((await client.purgeQueue({name}))[0].purgeTime);

const [locations] = await client.locationsClient.getLocation({name: parent});
assert.equal(locations.locationId, 'europe-west1');

await client.deleteQueue({name});
await refused(5, 'Queue does not exist.', () => client.getQueue({name}));
await refused(9, 'existed too recently', () => client.createQueue({parent, queue: {name}}));
await client.close();
console.log('all is well');
