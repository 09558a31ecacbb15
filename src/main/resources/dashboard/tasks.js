import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { call, get, path, query } from "./api.js";
import { Ask, Do, Target, Labels, Last, inWords, actionsFor, Operates } from "./parts.js";
import { Calls, Empty, Foreign, Loaded, State, Table, Time, Title, brief, html, isAdmin, may, number, page, quoted, tell, useHold, useLive, useQuery } from "./ui.js";

const ROWS = 50;
/** A list that examines more tasks than this is not repeated by itself. */
const CHEAP = 500;
/** The number of pages requested without a click while nothing is found. */
const LOOKS = 10;
const STATES = ["scheduled", "ready", "active", "retry", "succeeded", "dead", "cancelled"];
const ERRORS = ["timeout", "connect_failed", "connection_lost", "tls_failed", "bad_response", "blocked_address", "lease_lost", "expired"];

/** The parameters of the list, by their label. */
const FILTERS = [
  ["queue", "Queue"], ["state", "State", STATES], ["client_id", "Client"], ["label", "Label", null, "name:value"], ["host", "Host"], ["status", "Last status"], ["error", "Last error", ERRORS],
  ["created_after", "Created after", null, "2026-01-31T12:00:00Z"], ["created_before", "Created before"], ["due_after", "Due after"], ["due_before", "Due before"],
];
const SHOWN_FIRST = 7;

export const filterOf = (values) => Object.fromEntries(FILTERS.map(([name]) => [name, values[name]]).filter(([, value]) => value));

/** The single calls that selected tasks can be put through. */
const ACTIONS = [
  ["retry", "Replay", "POST", "/retry", ["dead"]],
  ["run", "Run now", "POST", "/run", ["scheduled", "retry"]],
  ["cancel", "Cancel", "DELETE", "", ["scheduled", "ready", "active", "retry"]],
];

const AT_ONCE = 4;

function Each({ action, tasks, close }) {
  const [, title, method, suffix] = action;
  const [results, setResults] = useState(null);
  const run = async () => {
    const all = {};
    const open = [...tasks];
    const worker = async () => {
      for (let task = open.shift(); task; task = open.shift()) {
        try {
          await call(method, path`/v1/tasks/${task.task_id}` + suffix, method === "POST" ? { body: {} } : {});
          all[task.task_id] = "done";
        } catch (problem) {
          all[task.task_id] = problem;
        }
        setResults({ ...all });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    const failed = Object.values(all).filter((each) => each !== "done");
    if (failed.length) throw Object.assign(new Error(failed.length + " of " + tasks.length + " could not be changed; see the list."), { errors: [], code: failed[0].code });
    tell(title + ": " + tasks.length + " done.");
  };
  return html`<${Ask} title=${title + ": " + tasks.length + (tasks.length === 1 ? " task" : " tasks")} confirm=${title} danger=${action[0] === "cancel"} does=${run} close=${close}>
    ${action[0] === "cancel" && html`<p>A running attempt is aborted. A cancelled task cannot be restored.</p>`}
    ${results && html`<ul>${tasks.map((each) => results[each.task_id] && html`<li><code>${each.task_id}</code> ${results[each.task_id] === "done" ? html`<span class="good">done</span>` : html`<span class="bad">${results[each.task_id].message}</span>`}</li>`)}</ul>`}
  <//>`;
}

function Filters({ values, change }) {
  const [all, setAll] = useState(FILTERS.slice(SHOWN_FIRST).some(([name]) => values[name]));
  return html`<form class="filter" aria-label="Filter" onSubmit=${(event) => event.preventDefault()}>
    ${(all ? FILTERS : FILTERS.slice(0, SHOWN_FIRST)).map(([name, label, choices, example]) => html`<label key=${name}>${label}${choices
      ? html`<select value=${values[name] || ""} onChange=${(event) => change({ [name]: event.target.value })}><option value="">any</option>${choices.map((each) => html`<option>${each}</option>`)}</select>`
      : html`<input type="search" value=${values[name] || ""} placeholder=${example} onChange=${(event) => change({ [name]: event.target.value.trim() })} spellcheck="false" autocomplete="off" />`}</label>`)}
    ${!all && html`<button type="button" class="quiet" onClick=${() => setAll(true)}>Times…</button>`}
    ${Object.keys(filterOf(values)).length > 0 && html`<button type="button" class="quiet" onClick=${() => change(Object.fromEntries(FILTERS.map(([name]) => [name, ""])))}>Clear</button>`}
  </form>`;
}

/** Goes on by itself while a search examines many tasks and finds none. */
async function search(filter, cursor, signal) {
  let examined = 0;
  let next = cursor;
  for (let look = 1; ; look++) {
    const found = await get("/v1/tasks" + query({ ...filter, view: "basic", limit: ROWS, cursor: next }), signal);
    examined += found.examined;
    if (found.tasks.length || !found.next_cursor || look >= LOOKS) return { ...found, examined };
    next = found.next_cursor;
  }
}

/**
 * The rows that are shown: they change in place, and stay where they are. What is new waits until it is asked for,
 * and what no longer matches stays, pale.
 */
function useRows(value, key) {
  const [shown, setShown] = useState({ key: null, ids: [] });
  const known = useRef(new Map());
  const current = value?.tasks || [];
  if (shown.key !== key) known.current = new Map();
  current.forEach((each) => known.current.set(each.task_id, each));
  const ids = shown.key === key && shown.ids.length ? shown.ids : current.map((each) => each.task_id);
  useEffect(() => {
    if (value && (shown.key !== key || !shown.ids.length)) setShown({ key, ids: current.map((each) => each.task_id) });
  }, [value, key]);
  const here = new Set(current.map((each) => each.task_id));
  const listed = new Set(ids);
  return {
    rows: ids.map((id) => known.current.get(id)).filter(Boolean),
    isGone: (task) => !here.has(task.task_id),
    newer: current.filter((each) => !listed.has(each.task_id)).length,
    showAll: () => setShown({ key, ids: current.map((each) => each.task_id) }),
  };
}

export default function Tasks() {
  const [values, change] = useQuery();
  const filter = useMemo(() => filterOf(values), [values]);
  const [trail, setTrail] = useState([]);
  const [picked, setPicked] = useState(new Set());
  const [asks, setAsks] = useState(null);
  const cursor = trail.at(-1);
  const key = JSON.stringify([filter, cursor]);
  useHold(picked.size > 0);
  const live = useLive((signal) => search(filter, cursor, signal), [filter, cursor], { every: 5, until: (value) => value.examined > CHEAP || !!cursor });
  const stopped = live.value && (live.value.examined > CHEAP || !!cursor);
  const { rows, isGone, newer, showAll } = useRows(live.value, key);
  useEffect(() => setPicked(new Set()), [key]);
  const alter = (part) => {
    setTrail([]);
    change(part);
  };
  const again = () => {
    showAll();
    live.again();
  };
  const tasks = rows.filter((each) => picked.has(each.task_id));
  const offered = may("operate") ? ACTIONS.filter(([, , , , states]) => tasks.length && tasks.every((each) => states.includes(each.state))) : [];
  const finished = ["succeeded", "dead", "cancelled"].includes(filter.state);
  const columns = [
    { name: "Task", head: true, cell: (each) => html`<a class="mono nowrap" href=${page("task", { id: each.task_id })} title=${each.task_id}>${brief(each.task_id)}</a>` },
    { name: "State", cell: (each) => html`<${State} word=${each.state} />` },
    { name: "Request", cell: (each) => html`<${Target} request=${each.request} />` },
    ...(filter.queue ? [] : [{ name: "Queue", cell: (each) => html`<a href=${page("queue", { name: each.queue })}><${Foreign} text=${each.queue} most=${40} /></a>` }]),
    ...(isAdmin() && !filter.client_id ? [{ name: "Client", cell: (each) => html`<${Foreign} text=${each.client_id} most=${40} />` }] : []),
    finished ? { name: "Finished", cell: (each) => html`<${Time} at=${each.finished_time} />` } : { name: "Due", cell: (each) => html`<${Time} at=${each.next_attempt_time || each.scheduled_time} />` },
    { name: "Attempts", num: true, cell: (each) => number(each.attempt_count) },
    { name: "Last", cell: (each) => html`<${Last} task=${each} />` },
    { name: "Labels", cell: (each) => html`<${Labels} labels=${each.labels} />` },
  ];
  const counts = async () => {
    let [all, looks, next] = [0, 0, null];
    do {
      const part = await get("/v1/tasks/count" + query({ ...filter, cursor: next }));
      [all, looks, next] = [all + part.count, looks + 1, part.next_cursor];
    } while (next && looks < LOOKS);
    return (next ? "At least " : "") + number(all) + (all === 1 ? " task matches." : " tasks match.");
  };
  const foot = live.value && html`<span>${live.value.examined > rows.length ? `Looked at ${number(live.value.examined)}, found ${number(rows.length)}.` : `${number(rows.length)} shown.`}</span>
    ${newer > 0 && html`<button class="small" onClick=${showAll}>${number(newer)} newer: show</button>`}
    <${Do} class="small quiet" does=${counts} said=${(text) => text}>Count<//>
    ${trail.length > 0 && html`<button class="small" onClick=${() => setTrail(trail.slice(0, -1))}>Newer page</button>`}
    ${live.value.next_cursor && html`<button class="small" onClick=${() => setTrail([...trail, live.value.next_cursor])}>${live.value.tasks.length ? "Next page" : "Go on looking"}</button>`}`;
  return html`
    <${Title} text="Tasks" sub=${Object.keys(filter).length ? inWords(filter) : null} live=${{ ...live, again }}>${may("enqueue") && html`<a class="button" href=${page("new")}>New task</a>`}${(filter.queue || filter.state) && rows.length > 0 && html`<${Operates} filter=${{ ...filter, ...(filter.status && { status: Number(filter.status) }) }} actions=${filter.state ? actionsFor(filter).map(([name]) => name) : []} />`}<//>
    <${Filters} values=${values} change=${alter} key=${JSON.stringify(filter)} />
    ${picked.size > 0 && html`<div class="note" role="status">${picked.size} selected; updates are paused.
      ${offered.map((each) => html` <button class="small" onClick=${() => setAsks(each)}>${each[1]}</button>`)}
      ${!offered.length && may("operate") && " No action applies to all of them."} <button class="small quiet" onClick=${() => setPicked(new Set())}>Clear the selection</button></div>`}
    <${Loaded} live=${live} rows=${10}>
      ${rows.length
        ? html`<${Table} caption="Tasks" columns=${columns} rows=${rows} keyOf=${(each) => each.task_id} picked=${may("operate") ? picked : null} turn=${setPicked} classOf=${(each) => (isGone(each) ? "gone" : "")} foot=${foot} />`
        : html`<div class="panel"><${Empty} title="No task" text=${Object.keys(filter).length ? "No task matches this filter." : "Tasks appear here when they are enqueued, for example with:"} code=${Object.keys(filter).length ? null : "./task-runner enqueue https://example.com/work"} /><div class="foot">${foot}</div></div>`}
    <//>
    <${Calls} calls=${[{ to: "/v1/tasks" + query({ ...filter, view: "basic", limit: ROWS }) }]} commands=${["tasks list" + Object.entries(filter).map(([name, value]) => ` --${name === "client_id" ? "client" : name.replaceAll("_", "-")} ${quoted(value)}`).join("")]} />
    ${asks && html`<${Each} action=${asks} tasks=${tasks} close=${() => { setAsks(null); setPicked(new Set()); again(); }} />`}`;
}
