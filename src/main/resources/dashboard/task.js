import { useState } from "preact/hooks";
import { call, get, path, post, query } from "./api.js";
import { Ask, Do, Labels } from "./parts.js";
import { laidOut, hex } from "./text.js";
import { Calls, Copy, Empty, Facts, Fault, Foreign, Loaded, Panel, State, Table, Time, Title, absolute, brief, bytes, duration, html, may, number, page, tell, useLive, useQuery, visible } from "./ui.js";

const OVER = ["succeeded", "dead", "cancelled"];
/** The bytes of a body that are shown. */
const BODY_MAX = 65536;

function Steps({ task }) {
  const first = task.attempts[0];
  const ends = OVER.includes(task.state);
  const tried = task.attempts.length > 0 || task.state === "active";
  const after = (from, to) => (from && to && Date.parse(to) > Date.parse(from) ? html`<span class="soft">after ${duration(Date.parse(to) - Date.parse(from))}</span>` : null);
  const steps = [
    ["Created", task.created_time, null, true],
    ["Due", task.scheduled_time, after(task.created_time, task.scheduled_time), tried || ends || task.state === "ready"],
    ["First attempt", first?.start_time, after(task.created_time, first?.start_time), tried],
    task.next_attempt_time && (tried || task.next_attempt_time !== task.scheduled_time) && ["Next attempt", task.next_attempt_time, html`<span class="soft"><${Time} at=${task.next_attempt_time} /></span>`, false],
    ["End", task.finished_time, after(task.created_time, task.finished_time), ends],
  ];
  return html`<ol class="steps">${steps.filter(Boolean).map(([name, at, more, done]) => html`<li class=${(done ? "done " : "") + (name === "End" ? "end " + task.state : "")}>
    <b>${name === "End" && ends ? html`<${State} word=${task.state} />` : name}</b>${at ? html`<div>${absolute(at)}</div>` : html`<div class="soft">not yet</div>`}${more}</li>`)}</ol>`;
}

/** The body, which is loaded when it is asked for. */
function Body({ id, size }) {
  const [value, setValue] = useState(null);
  const [problem, setProblem] = useState(null);
  const [plain, setPlain] = useState(false);
  const show = async () => {
    try {
      setValue((await get(path`/v1/tasks/${id}` + query({ body_max: BODY_MAX }))).request);
    } catch (failure) {
      setProblem(failure);
    }
  };
  if (problem) return html`<${Fault} problem=${problem} />`;
  if (!size) return html`<p class="soft">No body, or it is no longer kept.</p>`;
  if (!value) return html`<p><button onClick=${show}>Show the body</button> <span class="soft">${bytes(size)}. Bodies are not masked: they may contain secrets.</span></p>`;
  const text = value.body ?? null;
  const shown = text === null ? hex(value.body_base64) : plain ? text : laidOut(text);
  const download = async () => {
    const whole = (await get(path`/v1/tasks/${id}`)).request;
    const data = whole.body ?? Uint8Array.from(atob(whole.body_base64), (each) => each.charCodeAt(0));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([data], { type: "text/plain" }));
    link.download = id + ".txt";
    link.click();
    URL.revokeObjectURL(link.href);
  };
  return html`<pre class="wrap" tabindex="0" dir="auto">${visible(shown)}</pre>
    <p class="actions"><${Copy} text=${text ?? value.body_base64} /> <button class="small quiet" onClick=${download}>Download</button>
    ${text !== null && laidOut(text) !== text && html`<button class="small quiet" aria-pressed=${plain} onClick=${() => setPlain(!plain)}>As sent</button>`}
    <span class="soft">${size > BODY_MAX ? `The first ${bytes(BODY_MAX)} of ${bytes(size)}.` : bytes(size)}</span></p>`;
}

function Attempts({ task }) {
  if (!task.attempts.length) return html`<${Panel} title="Attempts"><p class="soft">None has ended yet.</p><//>`;
  return html`<h2 class="sr">Attempts</h2><${Table} caption="Attempts, the newest first" rows=${[...task.attempts].reverse()} keyOf=${(each) => String(each.number)} columns=${[
    { name: "Attempt", head: true, cell: (each) => each.number },
    { name: "Started", cell: (each) => html`<${Time} at=${each.start_time} whole />` },
    { name: "Took", num: true, cell: (each) => duration(each.duration_ms) },
    { name: "Result", cell: (each) => (each.status ? html`<span class=${each.status < 300 ? "good" : "bad"}>${each.status}</span>` : html`<span class="bad">${each.error}</span>`) },
    { name: "Detail", cell: (each) => html`<${Foreign} text=${each.detail || ""} />${each.excerpt && html`<pre class="wrap" tabindex="0">${visible(each.excerpt)}</pre>`}` },
  ]} />`;
}

/** Why it waits. */
function Waits({ id }) {
  const live = useLive((signal) => get(path`/v1/tasks/${id}/wait`, signal), "wait" + id);
  const reasons = live.value?.reasons || [];
  if (!reasons.length) return null;
  return html`<div class="note warn"><b>Why it waits</b><ul>${reasons.map((each) => html`<li><${Foreign} text=${each.detail} />${each.limit !== null && html` ${number(each.running)} of ${number(each.limit)}.`}${each.until && html` <span class="soft"><${Time} at=${each.until} /></span>`}</li>`)}</ul></div>`;
}

export default function TaskPage() {
  const [{ id = "" }] = useQuery();
  const [asks, setAsks] = useState(null);
  const live = useLive((signal) => get(path`/v1/tasks/${id}` + query({ body_max: 0 }), signal), id, { until: (task) => OVER.includes(task.state) });
  const task = live.value;
  const over = task && OVER.includes(task.state);
  const act = (suffix) => () => post(path`/v1/tasks/${id}/` + suffix);
  const headers = task && Object.entries(task.request.headers || {});
  return html`
    <${Title} text=${html`Task <span class="mono">${brief(id)}</span>`} name=${"Task " + id} sub=${html`<span class="mono">${visible(id)}</span>`} live=${{ ...live, at: over ? 0 : live.at }}>
      ${task && may("enqueue") && !task.queue.includes("/") && html`<a class="button" href=${page("new", { copy: id })}>Copy…</a>`}
      ${task && may("operate") && html`
        ${task.state === "dead" && html`<${Do} class="main" does=${act("retry")} said="It is ready again." after=${live.again}>Replay<//>`}
        ${(task.state === "scheduled" || task.state === "retry") && html`<${Do} class="main" does=${act("run")} said="It is ready to run." after=${live.again}>Run now<//>`}
        ${!over && html`<button class="danger" onClick=${() => setAsks("cancel")}>Cancel</button>`}`}
    <//>
    ${live.problem?.status === 404 && !task
      ? html`<div class="panel"><${Empty} title="This task was not found" text="It never existed, it belongs to another client, or its retention is over." /></div>`
      : html`<${Loaded} live=${live} rows=${10}>${task && html`
        <${Panel} title=${html`<${State} word=${task.state} />`} side=${html`<span class="soft">${task.attempts.at(-1)?.number === 1 ? "1 attempt" : number(task.attempts.at(-1)?.number || 0) + " attempts"}</span>`}><${Steps} task=${task} /><//>
        ${["scheduled", "ready", "retry"].includes(task.state) && html`<${Waits} id=${id} />`}
        <${Attempts} task=${task} />
        <div class="grid">
          <${Panel} title="Request">
            <p class="mono"><b>${task.request.method}</b> <${Foreign} text=${task.request.url} mono /></p>
            ${headers.length > 0 && html`<${Facts} of=${headers.map(([name, value]) => [html`<code>${visible(name)}</code>`, html`<${Foreign} text=${value} mono />`])} />`}
            <${Body} id=${id} size=${task.request.body_bytes} key=${id} />
          <//>
          <${Panel} title="Settings"><${Facts} of=${[
            ["Queue", html`<a href=${page("queue", { name: task.queue })}><${Foreign} text=${task.queue} /></a>`],
            ["Client", html`<${Foreign} text=${task.client_id} />`],
            ["Labels", Object.keys(task.labels).length ? html`<${Labels} labels=${task.labels} />` : "none"],
            task.retry && ["Retries", html`${number(task.retry.max_retries)}<span class="soft">, after ${duration(task.retry.min_backoff_sec * 1000)} to ${duration(task.retry.max_backoff_sec * 1000)}${task.retry.max_duration_sec !== null && html`, for ${duration(task.retry.max_duration_sec * 1000)}`}</span>`],
            ["Last error", task.last_error],
            task.callback && ["Callback", html`<${Foreign} text=${task.callback.url} mono /> <span class="soft">on ${task.callback.on.join(", ")}</span>`],
            task.callback_of && ["Reports the end of", html`<a class="mono" href=${page("task", { id: task.callback_of })}>${task.callback_of}</a>`],
          ]} /><//>
        </div>`}<//>`}
    <${Calls} calls=${[{ to: path`/v1/tasks/${id}` }, { to: path`/v1/tasks/${id}/wait` }]} commands=${["tasks show " + id]} />
    ${asks === "cancel" && html`<${Ask} title="Cancel this task" confirm="Cancel the task" danger close=${() => setAsks(null)} does=${async () => { await call("DELETE", path`/v1/tasks/${id}`); tell("Cancelled."); live.again(); }}><p>A running attempt is aborted. A cancelled task cannot be restored.</p><//>`}`;
}
