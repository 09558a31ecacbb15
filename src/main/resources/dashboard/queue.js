import { useState } from "preact/hooks";
import { call, get, path, post, query } from "./api.js";
import { Ask, Count, Do, History, Operate, cause, holds, ofCause } from "./parts.js";
import { Calls, Facts, Field, Foreign, Loaded, Panel, Table, Title, bytes, duration, errorAt, go, html, isAdmin, mayChange, number, page, tell, useLive, useQuery, visible } from "./ui.js";

/** The settings of a queue: name in the API, label, hint, and how it is shown. */
const SETTINGS = [
  ["weight", "Weight", "1 to 100: share of the workers when they are saturated", number],
  ["max_concurrent", "Maximum running", "Concurrent attempts; empty: no limit", number],
  ["max_dispatches_per_sec", "Starts per second", "Empty: no limit", number],
  ["max_burst", "Burst", "Attempts started at the same moment; empty: a fifth of a second's", number],
  ["timeout_sec", "Timeout (s)", "For one attempt; empty: the worker's default", (each) => (each ? duration(each * 1000) : null)],
  ["dead_retention_sec", "Keep dead tasks (s)", "", (each) => duration(each * 1000)],
  ["dead_max", "Maximum dead tasks", "", number],
  ["dead_max_bytes", "Maximum size of dead tasks (bytes)", "", bytes],
  ["done_max", "Maximum finished tasks", "Succeeded and cancelled ones that are kept", number],
];

const settingsOf = (queue) => {
  const { name, paused, stats, ...settings } = queue;
  return settings;
};

function Edit({ queue, etag, close, after }) {
  const before = settingsOf(queue);
  const [mine, setMine] = useState(Object.fromEntries(SETTINGS.map(([name]) => [name, before[name] ?? ""])));
  const [retry, setRetry] = useState(JSON.stringify(before.retry ?? {}, null, 2));
  const [theirs, setTheirs] = useState(null);
  const body = () => {
    const all = { retry: JSON.parse(retry || "{}") };
    for (const [name] of SETTINGS) if (mine[name] !== "") all[name] = Number(mine[name]);
    return all;
  };
  const save = async () => {
    await call("PUT", path`/v1/queues/${queue.name}`, { body: body(), headers: { "If-Match": theirs?.etag || etag } });
    tell("Saved.");
    after();
  };
  const conflict = async (problem) => {
    if (problem.status === 412) setTheirs(await call("GET", path`/v1/queues/${queue.name}`));
  };
  const differ = theirs && SETTINGS.filter(([name]) => String(theirs.value[name] ?? "") !== String(mine[name]));
  return html`<${Ask} title=${html`Settings of <${Foreign} text=${queue.name} />`} confirm=${theirs ? "Save mine over it" : "Save"} does=${save} close=${close} onProblem=${conflict}>
    ${(problem) => html`
      ${theirs && html`<div class="note warn"><p><b>Another user changed this queue meanwhile.</b> Nothing was overwritten.</p>
        <table><thead><tr><th scope="col">Setting</th><th scope="col">Yours</th><th scope="col">Now</th></tr></thead>
        <tbody>${differ.map(([name, label]) => html`<tr><th scope="row">${label}</th><td>${visible(mine[name] === "" ? "none" : mine[name])}</td><td>${visible(theirs.value[name] ?? "none")}</td></tr>`)}</tbody></table>
        <button type="button" class="small" onClick=${() => setMine(Object.fromEntries(SETTINGS.map(([name]) => [name, theirs.value[name] ?? ""])))}>Take theirs</button></div>`}
      <div class="fields">${SETTINGS.map(([name, label, hint]) => html`<${Field} label=${label} hint=${hint} error=${errorAt(problem, "/" + name)}>
        <input type="number" step="any" min="0" value=${mine[name]} onInput=${(event) => setMine({ ...mine, [name]: event.target.value })} /><//>`)}
      <${Field} wide label="Retry policy" hint="JSON; fields that are left out are those of the worker" error=${problem?.errors.find((each) => each.pointer?.startsWith("/retry"))?.detail || (problem instanceof SyntaxError ? problem.message : null)}><textarea rows="5" spellcheck="false" value=${retry} onInput=${(event) => setRetry(event.target.value)} /><//></div>`}
  <//>`;
}

function Delete({ queue, close }) {
  const [force, setForce] = useState(false);
  const { stats } = queue;
  const count = stats.ready + stats.active + stats.scheduled + stats.retry + stats.dead;
  const remove = async () => {
    await call("DELETE", path`/v1/queues/${queue.name}` + query({ force: force || undefined }));
    tell("Deleted " + queue.name + ".");
    go(page("queues"));
  };
  return html`<${Ask} title=${html`Delete <${Foreign} text=${queue.name} />`} confirm="Delete the queue" danger word=${queue.name} does=${remove} close=${close} disabled=${count > 0 && !force}>
    ${count > 0
      ? html`<p>It holds ${number(count)} tasks.</p><label class="check"><input type="checkbox" checked=${force} onChange=${(event) => setForce(event.target.checked)} /> Delete them too. They cannot be restored.</label>`
      : html`<p>It is empty.</p>`}
  <//>`;
}

function Causes({ name }) {
  const live = useLive((signal) => get(path`/v1/queues/${name}/dead/summary`, signal), "causes" + name, { every: 5 });
  const [asks, setAsks] = useState(false);
  const drop = async () => {
    await call("DELETE", path`/v1/queues/${name}/dead`);
    tell("The dead tasks are being deleted.");
    live.again();
  };
  const total = live.value?.total;
  const groups = live.value?.groups || [];
  return html`<${Loaded} live=${live} rows=${3}>
    ${total === 0
      ? html`<${Panel} title="Dead tasks by cause"><p class="soft">No task of this queue is dead.</p><//>`
      : html`<section><div class="title"><div><h2>Dead tasks by cause</h2></div><div class="actions">
        ${mayChange() && html`<button class="small" onClick=${() => setAsks("replay")}>Replay all</button><button class="small danger" onClick=${() => setAsks("drop")}>Delete all</button>`}</div></div>
      <${Table} caption="Dead tasks by host and cause" rows=${groups} keyOf=${(each) => each.host + " " + each.error} columns=${[
        { name: "Host", head: true, cell: (each) => html`<${Foreign} text=${each.host} />` },
        { name: "Cause", cell: (each) => cause(each.error) },
        { name: "Tasks", num: true, cell: (each) => html`<a href=${page("tasks", { queue: name, state: "dead", ...(each.host !== "other" && { host: each.host }), ...ofCause(each.error) })}>${number(each.count)}</a>` },
        { name: "Share", num: true, cell: (each) => Math.round((1000 * each.count) / total) / 10 + " %" },
      ]} /></section>`}
    <//>
    ${asks === "replay" && html`<${Operate} action="retry" filter=${{ queue: name, state: "dead" }} close=${() => setAsks(false)} />`}
    ${asks === "drop" && html`<${Ask} title="Delete all dead tasks of this queue" confirm="Delete them" danger word=${total > 100 ? total : null} does=${drop} close=${() => setAsks(false)}><p>${number(total)} dead tasks are deleted. They cannot be restored.</p><//>`}`;
}

export default function Queue() {
  const [{ name = "" }] = useQuery();
  const [asks, setAsks] = useState(null);
  const live = useLive((signal) => call("GET", path`/v1/queues/${name}`, { signal }), name);
  const queue = live.value?.value;
  const stats = queue?.stats;
  const google = name.includes("/");
  const builtIn = ["critical", "default", "low"].includes(name);
  const card = (label, state, tone, more) => html`<div class="card"><span class="label">${label}</span><span class="value"><${Count} value=${stats[state]} queue=${name} state=${state} tone=${tone} /></span>${more && html`<span class="more">${more}</span>`}</div>`;
  return html`
    <${Title} text=${html`<${Foreign} text=${name} />`} name=${name} sub=${google ? "A queue of the Cloud Tasks API" : builtIn ? "A built-in queue" : "A queue"} live=${live}>
      ${queue && mayChange() && html`
        <${Do} does=${() => post(path`/v1/queues/${name}/` + (queue.paused ? "resume" : "pause"))} said=${queue.paused ? "Resumed." : "Paused. Running tasks finish."} after=${live.again}>${queue.paused ? "Resume" : "Pause"}<//>
        ${!google && html`<button onClick=${() => setAsks({ kind: "edit", ...live.value })}>Edit</button>`}
        <button class="danger" onClick=${() => setAsks({ kind: "purge" })}>Purge</button>
        ${!google && html`<button class="danger" disabled=${builtIn} title=${builtIn ? "A built-in queue cannot be deleted." : null} onClick=${() => setAsks({ kind: "delete" })}>Delete</button>`}`}
    <//>
    <${Loaded} live=${live}>
      ${queue && html`
        ${queue.paused ? html`<div class="note warn"><b>This queue is paused.</b> Its tasks wait; running ones finish.</div>` : holds(queue) && html`<div class="note">Ready tasks wait for a limit of this queue: ${holds(queue)}.</div>`}
        <div class="cards">
          ${card("Ready", "ready", "", stats.ready ? "oldest " + duration(stats.oldest_ready_age_sec * 1000) : "none waits")}
          ${card("Active", "active", "live", queue.max_concurrent ? "of " + queue.max_concurrent : null)}
          ${card("Scheduled", "scheduled")}
          ${card("Retrying", "retry", "warn")}
          ${card("Dead", "dead", "bad")}
          ${card("Succeeded", "succeeded", "good", "kept at the moment")}
          ${card("Cancelled", "cancelled", "", "kept at the moment")}
        </div>
        <${History} queue=${name} />
        ${isAdmin() && html`<${Causes} name=${name} />`}
        <${Panel} title="Settings"><${Facts} of=${[...SETTINGS.map(([each, label, , show]) => [label.replace(/ \(.*\)$/, ""), queue[each] === null || queue[each] === undefined ? "none" : show(queue[each])]), ["Retry policy", queue.retry ? html`<code>${JSON.stringify(queue.retry)}</code>` : "the worker's"]]} /><//>`}
    <//>
    <${Calls} calls=${[{ to: path`/v1/queues/${name}` }, { to: "/v1/series" + query({ queue: name }) }, ...(isAdmin() ? [{ to: path`/v1/queues/${name}/dead/summary` }] : [])]} commands=${["queues show " + name, "series " + name]} />
    ${asks?.kind === "edit" && html`<${Edit} queue=${asks.value} etag=${asks.etag} close=${() => setAsks(null)} after=${live.again} />`}
    ${asks?.kind === "delete" && html`<${Delete} queue=${queue} close=${() => setAsks(null)} />`}
    ${asks?.kind === "purge" && html`<${Ask} title=${html`Purge <${Foreign} text=${name} />`} confirm="Delete all waiting tasks" danger word=${name} close=${() => setAsks(null)}
      does=${async () => { await post(path`/v1/queues/${name}/purge`); tell("Purged."); live.again(); }}><p>All scheduled, ready and retrying tasks of this queue are deleted: ${number(stats.scheduled + stats.ready + stats.retry)}. Running ones are deleted when they end. They cannot be restored.</p><//>`}`;
}
