// Parts that several pages share: counts, states and causes in words, and the dialog of an operation on many tasks.
import { useEffect, useRef, useState } from "preact/hooks";
import { call, get, now, path, post, query } from "./api.js";
import { Copy, Fault, Field, Foreign, Panel, Short, State, Time, absolute, brief, duration, go, html, isAdmin, may, number, page, tell, useHold, useLive, useQuery, visible } from "./ui.js";

/** A cause of death as a part of a filter. */
export const ofCause = (cause) => (/^http_\d+$/.test(cause) ? { status: cause.slice(5) } : cause === "other" ? {} : { error: cause });

/** A cause of death in words. */
export const cause = (word) => word.replace(/^http_/, "status ").replaceAll("_", " ");

/** What keeps the ready tasks of a queue from starting, as far as its settings show it. */
export function holds(queue) {
  if (queue.paused) return html`<${State} word="paused" />`;
  const { stats } = queue;
  if (!stats.ready) return null;
  if (queue.max_concurrent && stats.active >= queue.max_concurrent) return html`<span class="warn">runs ${stats.active} of ${queue.max_concurrent}</span>`;
  if (queue.max_dispatches_per_sec) return html`<span class="soft">${number(queue.max_dispatches_per_sec)} per second</span>`;
  return null;
}

/** A count that leads to its tasks. */
export const Count = ({ value, queue, state, tone }) =>
  value ? html`<a class=${tone || ""} href=${page("tasks", { queue, state })}><${Short} value=${value} /></a>` : html`<span class="soft">0</span>`;

/** How far an operation is: done and failed of the total. */
export const Progress = ({ of }) => html`${number(of.done + of.failed + of.skipped)}${of.total ? html` of ${number(of.total)}` : ""}`;

/** The state of an operation; a failed one is not a dead task. */
export const Condition = ({ of }) => html`<${State} word=${of.state === "done" ? "succeeded" : of.state === "stopped" ? "cancelled" : of.state === "failed" ? "dead" : "running"} text=${of.state} />`;

/** Method, host and path of a request, as text. */
export function Target({ request }) {
  return html`<span class="cut mono" title=${visible(request.url)}><span class="soft">${request.method}</span> <${Foreign} text=${request.url.replace(/^https?:\/\//, "")} most=${300} /></span>`;
}

export function Labels({ labels }) {
  const all = Object.entries(labels);
  return all.length ? html`<span class="labels">${all.map(([name, value]) => html`<a class="tag" href=${page("tasks", { label: name + ":" + value })} title=${visible(name + ": " + value)}><bdi>${visible(name)}: ${visible(value)}</bdi></a>`)}</span>` : null;
}

/** What the last attempt came to. */
export const Last = ({ task }) => task.last_error ? html`<span class="bad">${task.last_error}</span>` : task.last_status ? html`<span class=${task.last_status < 300 ? "good" : "bad"}>${task.last_status}</span>` : html`<span class="soft">–</span>`;

/** A new key, which is shown once. */
export const Shown = ({ name, value, close }) => html`<${Ask} title=${html`The key <${Foreign} text=${name} />`} close=${close}>
  <p>It is shown only now. Keep it in a safe place.</p><pre class="wrap" tabindex="0">${value}</pre><${Copy} text=${value} label="Copy the key" /><//>`;

/** The rhythm of a schedule. */
export const rhythm = (of) => (of.cron ? html`<code>${of.cron}</code> <span class="soft">${of.time_zone}</span>` : "every " + duration(of.interval_sec * 1000));

/** The actions, with the states of the tasks that they apply to, and what becomes of those. */
export const ACTIONS = {
  retry: { title: "Replay", states: ["dead"], becomes: "become ready again, with their attempts reset" },
  run: { title: "Run now", states: ["scheduled", "retry"], becomes: "become ready now" },
  move: { title: "Move", states: ["scheduled", "ready", "retry", "dead"], becomes: "are moved to another queue" },
  cancel: { title: "Cancel", states: ["scheduled", "ready", "active", "retry"], becomes: "are cancelled; running attempts are aborted", final: true },
  delete: { title: "Delete", states: ["succeeded", "dead", "cancelled"], becomes: "are deleted", final: true },
};

/** A filter in words. */
export const inWords = (filter) => {
  const parts = Object.entries(filter).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return visible(parts.map(([name, value]) => name.replaceAll("_", " ") + " " + value).join(", ")) || "all tasks";
};

/** The actions that may apply to tasks of a filter. */
export const actionsFor = (filter) => (may("operate") ? Object.entries(ACTIONS).filter(([, each]) => !filter.state || each.states.includes(filter.state)) : []);

/** More than this many to one pace are not sent at once without a limit being offered. */
const MANY = 1000;
/** Up to this many need no confirmation. */
const FEW = 100;

/** Counts what would be changed, while the dialog is open. */
function useTrial(action, filter, toQueue) {
  const [trial, setTrial] = useState(null);
  const [problem, setProblem] = useState(null);
  useEffect(() => {
    if (action === "move" && !toQueue) return undefined;
    let left = false;
    let id = null;
    const watch = async () => {
      try {
        const begun = await post("/v1/operations", { action, filter, dry_run: true, ...(action === "move" && { to_queue: toQueue }) });
        id = begun.operation_id;
        for (let now = begun; !left; now = await get(path`/v1/operations/${id}`)) {
          setTrial(now);
          if (now.state !== "running") break;
          await new Promise((then) => setTimeout(then, 300));
        }
        if (left && id) call("DELETE", path`/v1/operations/${id}`).catch(() => {});
      } catch (failure) {
        if (!left) setProblem(failure);
      }
    };
    setTrial(null);
    setProblem(null);
    const timer = setTimeout(watch, 250);
    return () => {
      left = true;
      clearTimeout(timer);
    };
  }, [action, toQueue, JSON.stringify(filter)]);
  return { trial, problem };
}

/** Asks for a pace and a confirmation, and begins the operation. */
export function Operate({ action, filter, close }) {
  const { title, becomes, final } = ACTIONS[action];
  const [pace, setPace] = useState(null);
  const [toQueue, setToQueue] = useState("");
  const { trial, problem } = useTrial(action, filter, toQueue);
  const counted = trial && trial.state === "done";
  const count = trial ? trial.done : null;
  const rate = pace ?? (count > MANY ? "100" : "");
  const begin = async () => {
    const body = { action, filter, ...(rate && { per_sec: Number(rate) }), ...(action === "move" && { to_queue: toQueue }) };
    go(page("operation", { id: (await post("/v1/operations", body)).operation_id }));
  };
  return html`<${Ask} title=${title + " all that match"} confirm=${count === null ? title : title + " " + number(count)} danger=${final} does=${begin} close=${close} disabled=${!counted || count === 0 || (action === "move" && !toQueue)} word=${final && counted && count > FEW ? count : null}>
    ${(failure) => html`
      <p>Tasks with <b>${inWords(filter)}</b> ${becomes}. Only tasks that exist now are included. It goes on when this page is closed, and can be stopped.${final ? " It cannot be undone." : ""}</p>
      ${action === "move" && html`<${Field} label="To queue"><input value=${toQueue} onInput=${(event) => setToQueue(event.target.value.trim())} spellcheck="false" autocomplete="off" required /><//>`}
      <div class="note" role="status">${problem ? html`<span class="bad">${problem.message}</span>` : count === null ? "Counting…" : html`<b>${number(count)}</b> ${counted ? "tasks match." : "so far; counting goes on…"}
        ${trial.sample.length > 0 && html`<p class="soft">For example ${trial.sample.slice(0, 3).map((id) => html`<a class="mono" target="_blank" rel="noopener" href=${page("task", { id })}>${brief(id)}</a> `)}</p>`}`}</div>
      <${Field} label="Tasks per second" hint="Empty: as fast as leaves two thirds of Redis' time to others"><input type="number" min="0.1" step="any" value=${rate} onInput=${(event) => setPace(event.target.value)} /><//>`}
  <//>`;
}

/** A button for each action on all tasks of a filter. */
export function Operates({ filter, actions = actionsFor(filter).map(([name]) => name) }) {
  const [asks, setAsks] = useState(null);
  if (!may("operate")) return null;
  return html`${actions.map((name) => html`<button type="button" class=${"small " + (ACTIONS[name].final ? "danger" : "")} onClick=${() => setAsks(name)}>${ACTIONS[name].title} all…</button>`)}
    ${asks && html`<${Operate} action=${asks} filter=${filter} close=${() => setAsks(null)} />`}`;
}

/**
 * A dialog that performs something. `does` is called when it is confirmed; when it returns, the dialog is closed.
 * With `word`, that must be typed first.
 */
export function Ask({ title, confirm, danger, word, wordFor, does, close, children, disabled, onProblem }) {
  const ref = useRef(null);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState(null);
  const [typed, setTyped] = useState("");
  useHold(true);
  useEffect(() => {
    const dialog = ref.current;
    dialog.showModal();
    return () => dialog.close(); // which gives the focus back to where it was
  }, []);
  const send = async (event) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setProblem(null);
    try {
      await does();
      close();
    } catch (failure) {
      setProblem(failure);
      onProblem?.(failure);
      setBusy(false);
    }
  };
  const cancel = (event) => {
    event.preventDefault();
    if (!busy) close();
  };
  const wrong = word && typed !== String(word);
  return html`<dialog ref=${ref} aria-labelledby="ask" onCancel=${cancel}><form onSubmit=${send}>
    <h2 id="ask">${title}</h2>
    ${typeof children === "function" ? children(problem) : children}
    ${word && html`<${Field} label=${html`Type <code>${visible(word)}</code> to confirm${wordFor ? " " + wordFor : ""}`}><input value=${typed} onInput=${(event) => setTyped(event.target.value)} autocomplete="off" spellcheck="false" /><//>`}
    <${Fault} problem=${problem} key=${problem} />
    <div class="buttons">
      <button type="button" onClick=${cancel} disabled=${busy}>${does ? "Cancel" : "Close"}</button>
      ${does && html`<button class=${danger ? "danger" : "main"} disabled=${busy || wrong || disabled}>${busy ? "Working…" : confirm}</button>`}
    </div>
  </form></dialog>`;
}

/** A button that performs a call at once, and reports what it was. */
export function Do({ does, said, after, children, ...rest }) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState(null);
  const run = async () => {
    setBusy(true);
    setProblem(null);
    try {
      const value = await does();
      tell(typeof said === "function" ? said(value) : said);
    } catch (failure) {
      setProblem(failure);
    }
    setBusy(false);
    after?.();
  };
  return html`<button ...${rest} disabled=${busy || rest.disabled} onClick=${run}>${children}</button>
    ${problem && html`<${Ask} title="That did not work" close=${() => setProblem(null)}><${Fault} problem=${problem} /><//>`}`;
}

// -- what happened over time

/** The seconds of a range, and of its steps. */
const RANGES = { "1h": [3600, 60], "6h": [21600, 300], "24h": [86400, 900], "7d": [604800, 3600], "35d": [3024000, 21600] };

const HEIGHT = 100;

/** A line through values from 0 to the most; it is broken where nothing is known. */
const line = (values, most) =>
  values.map((value, i) => (value === null ? "" : (i && values[i - 1] !== null ? "L" : "M") + i + " " + Math.round(HEIGHT - (HEIGHT - 2) * value / (most || 1)) + (i && values[i - 1] !== null ? "" : "h0"))).join("");

const known = (values) => values.filter((each) => each !== null);

/** The counts of a series as a rate; the last step has only begun. */
const rate = (of, name) =>
  of[name].map((value, i) => {
    const seconds = Math.min(of.step_sec, (now() - Date.parse(of.from)) / 1000 - i * of.step_sec);
    const a = (60 * value) / seconds;
    return value === null || seconds < 20 ? null : a < 10 ? Math.round(10 * a) / 10 : Math.round(a);
  });

/** Lines over time: as a picture, as a sentence, and as a table. Each has a name and values. */
function Chart({ title, of, lines, show, changes }) {
  const [at, setAt] = useState(null);
  const [open, setOpen] = useState(false);
  const count = of.ready.length;
  const most = Math.max(0, ...lines.flatMap(([, values]) => known(values)));
  const time = (i) => absolute(Date.parse(of.from) + i * of.step_sec * 1000);
  const label = (i) => (count * of.step_sec > 90000 ? time(i).slice(5, 16) : time(i).slice(11, 16));
  const value = (values) => (at === null ? known(values).at(-1) : values[at]) ?? null;
  const text = (each) => (each === null || each === undefined ? "–" : show(each));
  const words = lines.map(([name, values]) => {
    const top = Math.max(...known(values));
    return known(values).length ? `${name} ${text(known(values).at(-1))}, highest ${text(top)} at ${label(values.indexOf(top))}` : `${name}: nothing known`;
  }).join("; ");
  const move = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    setAt(Math.max(0, Math.min(count - 1, Math.round(((event.clientX - box.left) / box.width) * (count - 1)))));
  };
  return html`<figure class="chart">
    <figcaption class="axis"><b>${title}</b><span>${most ? "up to " + text(most) : ""}</span></figcaption>
    <svg viewBox=${`0 0 ${count - 1} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label=${title + ": " + words} onPointerMove=${move} onPointerLeave=${() => setAt(null)}>
      ${changes.map((each) => html`<path class="mark" d=${`M${(Date.parse(each.time) - Date.parse(of.from)) / 1000 / of.step_sec} 0V${HEIGHT}`} />`)}
      ${lines.map(([, values], i) => html`<path class=${"c" + i} d=${line(values, most)} />`)}
      ${at !== null && html`<path class="mark" d=${`M${at} 0V${HEIGHT}`} />`}
    </svg>
    <div class="axis"><span>${label(0)}</span><span>${at === null ? "" : time(at)}</span><span>${label(count - 1)}</span></div>
    <ul class="legend">${lines.map(([name, values], i) => html`<li><svg viewBox="0 0 22 8" aria-hidden="true"><path class=${"c" + i} d="M1 4h20" /></svg>${name} <b>${text(value(values))}</b></li>`)}</ul>
    <details onToggle=${(event) => setOpen(event.currentTarget.open)}><summary>Show as table</summary>
      ${open && html`<div class="scroll" tabindex="0" role="region" aria-label=${title}><table><caption class="sr">${title}</caption>
        <thead><tr><th scope="col">Time</th>${lines.map(([name]) => html`<th scope="col" class="num">${name}</th>`)}</tr></thead>
        <tbody>${of.ready.map((_, i) => html`<tr><th scope="row">${time(i)}</th>${lines.map(([, values]) => html`<td class="num">${text(values[i])}</td>`)}</tr>`).reverse()}</tbody></table></div>`}</details>
  </figure>`;
}

/** The range that is chosen in the address. */
const rangeOf = (values) => (RANGES[values.range] ? values.range : "1h");

/** The series of a queue, or of all of them; those of an hour may be `given`. */
function useSeries(queue, range, given) {
  const [seconds, step] = RANGES[range];
  const own = given === undefined || range !== "1h";
  const load = (signal) => get("/v1/series" + query({ queue, step, from: new Date(now() - seconds * 1000).toISOString() }), signal);
  const live = useLive((signal) => (own ? load(signal) : null), [queue, range, own], { every: 10 });
  return own ? live.value : given;
}

/** Changes by admins since the series began; they are not needed at first, and asked for later. */
function useChanges(of, concerns) {
  const [later, setLater] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLater(true), 1500);
    return () => clearTimeout(timer);
  }, []);
  const live = useLive((signal) => (later && isAdmin() ? get("/admin/audit?limit=100", signal) : null), [later], { every: 15 });
  return (live.value?.entries || []).filter((each) => of && each.time >= of.from && concerns(each));
}

const CHANGES_MAX = 5;
const asTime = (each) => duration(each * 1000);

/** What happened in a queue, or in all of them. */
export function History({ queue, given }) {
  const [values, change] = useQuery();
  const range = rangeOf(values);
  const of = useSeries(queue, range, given);
  const changes = useChanges(of, (each) => !queue || each.details.queue === queue || each.what.startsWith("dispatch"));
  const chart = (title, lines, show) => html`<${Chart} title=${title} of=${of} lines=${lines} show=${show} changes=${changes} />`;
  const tabs = html`<div class="tabs" role="group" aria-label="Range">${Object.keys(RANGES).map((each) => html`<button type="button" class="small" aria-pressed=${each === range} onClick=${() => change({ range: each })}>${each}</button>`)}</div>`;
  return html`<${Panel} title="What happened" side=${tabs}>${of && html`
    <div class="charts">
      ${chart("Per minute", [["enqueued", rate(of, "enqueued")], ["succeeded", rate(of, "succeeded")], ["failed attempts", rate(of, "failed")], ["died", rate(of, "died")]], number)}
      ${chart("Delay of starts", [["median", of.lag_p50_sec], ["95 %", of.lag_p95_sec], ["oldest ready", of.oldest_ready_age_sec]], asTime)}
      ${chart("Backlog", [["ready", of.ready], ["active", of.active], ["waiting", of.waiting]], number)}
      ${chart("Duration of attempts", [["median", of.duration_p50_sec], ["95 %", of.duration_p95_sec], ["99 %", of.duration_p99_sec]], asTime)}
    </div>
    ${changes.length > 0 && html`<p class="hint">Dotted: ${changes.slice(0, CHANGES_MAX).map((each) => html`${absolute(each.time).slice(5, 16)} ${visible(each.what)}${each.details.queue ? html` <bdi>${visible(each.details.queue)}</bdi>` : ""} by <bdi>${visible(each.who)}</bdi>; `)}<a href=${page("audit")}>${changes.length > CHANGES_MAX ? "and more" : "audit log"}</a></p>`}`}<//>`;
}

const MINUTES = 30;

/** Attempts that ended in each of the last minutes, as a small line; unknown minutes at the beginning are left out. */
export function Spark({ values }) {
  if (!values?.length) return html`<span class="soft">–</span>`;
  const most = Math.max(...known(values));
  const all = Array(MINUTES - values.length).fill(null).concat(values);
  return html`<svg class="spark" viewBox=${`0 0 ${MINUTES - 1} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label=${`at most ${number(most)} attempts a minute in the last ${MINUTES} minutes`}><path class="c0" d=${line(all, most)} /></svg>`;
}

/** The newest failed attempts. */
export const Failures = ({ of }) => html`<${Panel} title="Newest failures">${of.length
  ? html`<table><caption class="sr">Newest failed attempts</caption><thead><tr><th scope="col">Cause</th><th scope="col">Host</th><th scope="col" class="wide-only">Queue</th><th scope="col" class="num">When</th></tr></thead><tbody>${of.map((each) => html`<tr>
      <th scope="row"><a href=${page("task", { id: each.task_id })}>${cause(each.error)}</a></th><td>${each.host ? html`<${Foreign} text=${each.host} />` : html`<span class="soft">unknown</span>`}</td><td class="wide-only"><${Foreign} text=${each.queue} /></td><td class="num"><${Time} at=${each.time} /></td></tr>`)}</tbody></table>`
  : html`<p class="soft">No attempt has failed.</p>`}<//>`;
