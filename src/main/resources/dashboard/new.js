import { useMemo, useState } from "preact/hooks";
import { call, get, path, query } from "./api.js";
import { Calls, Fault, Field, Loaded, Panel, Title, errorAt, go, html, isAdmin, page, session, useLive, useQuery } from "./ui.js";

const METHODS = ["POST", "GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/** The fields of an enqueue, from a task that is copied. */
function fields(task) {
  const request = task?.request;
  return {
    client_id: task?.client_id || session.get().client_id || "", queue: task?.queue || "default", url: request?.url || "", method: request?.method || "POST",
    headers: Object.entries(request?.headers || {}).map(([name, value]) => name + ": " + value).join("\n"),
    body: request?.body ?? "", labels: Object.entries(task?.labels || {}).map(([name, value]) => name + ": " + value).join("\n"), delay: "",
  };
}

/** Lines of names and values. */
const pairs = (text) => Object.fromEntries(text.split("\n").filter((line) => line.includes(":")).map((line) => [line.slice(0, line.indexOf(":")).trim(), line.slice(line.indexOf(":") + 1).trim()]));

function Form({ copied }) {
  const first = useMemo(() => fields(copied), []);
  const [mine, setMine] = useState(first);
  // Made once, so that a second click, or sending again after a lost answer, creates no second task.
  const key = useMemo(() => crypto.randomUUID?.() || String(Math.random()).slice(2) + performance.now(), []);
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  // Of a finished task: then the form's body is sent, as the server has none to copy.
  const dropped = copied && copied.request.body_bytes === 0 && copied.finished_time;
  const set = (name) => (event) => setMine({ ...mine, [name]: event.target.value });
  const body = {
    ...(copied && { copy_of: copied.task_id }),
    ...(mine.client_id && { client_id: mine.client_id }), queue: mine.queue, idempotency_key: key,
    task: { url: mine.url, method: mine.method, ...((copied || mine.headers.trim()) && { headers: pairs(mine.headers) }), ...((copied ? mine.body !== first.body || dropped : mine.body) && { body: mine.body }) },
    ...((copied || mine.labels.trim()) && { labels: pairs(mine.labels) }), ...(mine.delay && { delay: Number(mine.delay) }),
  };
  const send = async (event) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setProblem(null);
    try {
      const { value } = await call("POST", "/v1/enqueue", { body });
      go(page("task", { id: value.task_id }));
    } catch (failure) {
      setProblem(failure);
      setBusy(false);
    }
  };
  const at = (pointer) => errorAt(problem, pointer);
  const { idempotency_key: _, ...shown } = body;
  return html`<form onSubmit=${send}>
    ${first.headers.includes(": ***") && html`<div class="note">Values shown as *** are kept, as long as the URL names the same scheme, host and port.</div>`}
    ${dropped && html`<div class="note">If this task had a body, it is no longer kept.</div>`}
    <div class="grid"><${Panel} title="Request"><div class="fields">
      <${Field} wide label="URL" error=${at("/task/url")}><input type="url" value=${mine.url} onInput=${set("url")} required spellcheck="false" placeholder="https://example.com/work" /><//>
      <${Field} label="Method"><select value=${mine.method} onChange=${set("method")}>${METHODS.map((each) => html`<option>${each}</option>`)}</select><//>
      <${Field} wide label="Headers" hint="One a line, name: value" error=${at("/task/headers")}><textarea rows="3" value=${mine.headers} onInput=${set("headers")} spellcheck="false" /><//>
      <${Field} wide label="Body" error=${at("/task/body")}><textarea rows="8" value=${mine.body} onInput=${set("body")} spellcheck="false" /><//>
    </div><//>
    <${Panel} title="Task"><div class="fields">
      ${isAdmin() && html`<${Field} label="Client" error=${at("/client_id")}><input value=${mine.client_id} onInput=${set("client_id")} required spellcheck="false" /><//>`}
      <${Field} label="Queue" error=${at("/queue")}><input value=${mine.queue} onInput=${set("queue")} required spellcheck="false" /><//>
      <${Field} label="Delay (s)" error=${at("/delay")}><input type="number" min="0" step="any" value=${mine.delay} onInput=${set("delay")} /><//>
      <${Field} wide label="Labels" hint="One a line, name: value" error=${at("/labels")}><textarea rows="3" value=${mine.labels} onInput=${set("labels")} spellcheck="false" /><//>
    </div>
    <${Fault} problem=${problem} key=${problem} />
    <p class="actions"><button class="main" disabled=${busy}>${busy ? "Working…" : "Enqueue"}</button></p><//></div>
    <${Calls} calls=${[{ method: "POST", to: "/v1/enqueue", body: shown }]} /></form>`;
}

export default function NewTask() {
  const [{ copy = "" }] = useQuery();
  const live = useLive((signal) => (copy ? get(path`/v1/tasks/${copy}` + query({ body_max: 1 << 20 }), signal) : { request: null }), "copy" + copy, { until: () => true });
  return html`<${Title} text=${copy ? "Copy of a task" : "New task"} sub=${copy ? "Change what you like; it becomes a new task" : null} />
    <${Loaded} live=${live}><${Form} copied=${copy ? live.value : null} /><//>`;
}
