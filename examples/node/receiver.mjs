// Receives tasks on PORT and verifies their signatures: node receiver.mjs
// SIGNING_SECRET has one or more secrets (whsec_…), separated by spaces.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

const { PORT = '9000', SIGNING_SECRET = '' } = process.env;
const SECRETS = SIGNING_SECRET.split(' ').map((secret) => Buffer.from(secret.replace('whsec_', ''), 'base64'));
const TOLERANCE_SEC = 300;
const seen = new Set(); // in production: in your database, in the transaction that does the work

function isGenuine(headers, body) {
  const { 'webhook-id': id, 'webhook-timestamp': time = '', 'webhook-signature': signatures = '' } = headers;
  if (!/^\d{1,12}$/.test(time) || Math.abs(Date.now() / 1000 - Number(time)) > TOLERANCE_SEC) {
    return false;
  }
  return SECRETS.some((secret) => {
    const expected = createHmac('sha256', secret).update(`${id}.${time}.`).update(body).digest();
    return signatures.split(' ').some((signature) => {
      const given = Buffer.from(signature.replace(/^v1,/, ''), 'base64');
      return given.length === expected.length && timingSafeEqual(given, expected);
    });
  });
}

createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  if (!isGenuine(request.headers, body)) {
    response.writeHead(401).end();
    return;
  }
  // The same task may arrive again, after an attempt whose answer was lost.
  const id = request.headers['webhook-id'];
  if (!seen.has(id)) {
    seen.add(id);
    console.log(`received ${body}`);
  }
  response.writeHead(204).end(); // 2xx: done; 5xx, 408, 425, 429: try again; anything else: dead
}).listen(Number(PORT), '127.0.0.1');
