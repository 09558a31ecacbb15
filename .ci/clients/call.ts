// A call with the generated types: node out/call.js URL CLIENT_ID; prints the id of the task. It fails to compile where the
// contract makes required what is optional.
import createClient from "openapi-fetch";
import type { paths } from "./generated/api.js";

declare const process: { argv: string[]; exitCode: number };

const [url, client] = process.argv.slice(2) as [string, string];
const api = createClient<paths>({ baseUrl: url });
const { data, error, response } = await api.POST("/v1/enqueue", {
  body: { client_id: client, task: { url: `${url}/health/live` } },
});
if (data === undefined) {
  console.error(response.status, error);
  process.exitCode = 1;
} else {
  console.log(data.task_id);
}
