// Parts that all pages are made of.
import { h } from "preact";
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import htm from "htm";
import { HOME, now } from "./api.js";

export const html = htm.bind(h);

// -- values that several parts share

/** A value with listeners. */
export function shared(value) {
  const listeners = new Set();
  return {
    get: () => value,
    set(next) {
      value = next;
      listeners.forEach((each) => each(next));
    },
    listen(each) {
      listeners.add(each);
      return () => listeners.delete(each);
    },
  };
}

/** The value, and a new drawing whenever it changes. */
export function useShared(one) {
  const [value, set] = useState(one.get());
  useEffect(() => {
    set(one.get());
    return one.listen(set);
  }, [one]);
  return value;
}

const KEPT = "task-runner";

function kept() {
  try {
    return JSON.parse(localStorage.getItem(KEPT) || "{}");
  } catch {
    return {};
  }
}

/** What this browser remembers: the theme, the time zone, the seconds between updates (0: none), and whether single keys act. */
export const prefs = shared({ theme: "auto", zone: "utc", live: 2, keys: true, ...kept() });

/** Changes a part of the preferences. */
export function prefer(part) {
  prefs.set({ ...prefs.get(), ...part });
  try {
    localStorage.setItem(KEPT, JSON.stringify(prefs.get()));
  } catch {
    // The browser does not allow it: then it lasts as long as the page.
  }
  const { theme } = prefs.get();
  document.documentElement.classList.toggle("dark", theme === "dark");
  document.documentElement.classList.toggle("light", theme === "light");
}

/** Who is signed in: the answer of GET /v1/session; null while it is not known. */
export const session = shared(null);

export const isAdmin = () => session.get()?.role === "admin";
export const may = (scope) => !!session.get()?.scopes.includes(scope);
/** Whether settings may be changed. */
export const mayChange = () => isAdmin() && may("operate");

/** Since when the server or Redis does not answer; 0 while all is well. */
export const trouble = shared(0);

const toast = shared("");
let toastEnds = 0;

/** Reports the result of an action. */
export function tell(text) {
  toast.set(text);
  clearTimeout(toastEnds);
  toastEnds = setTimeout(() => toast.set(""), 6000);
}

export const Toast = () => html`<div class="toast" role="status">${useShared(toast)}</div>`;

// -- where we are

export const place = shared(location.pathname + location.search);

/** The address of a page of the dashboard. */
export const page = (name, values = {}) => {
  const all = new URLSearchParams(Object.entries(values).filter(([, value]) => value !== undefined && value !== null && value !== ""));
  const text = all.toString();
  return new URL("ui/" + name, HOME).pathname + (text ? "?" + text : "");
};

/** Goes to a page. */
export function go(to, replace) {
  if (to === place.get()) return;
  history[replace ? "replaceState" : "pushState"](null, "", to);
  place.set(location.pathname + location.search);
  if (!replace) scrollTo(0, 0);
}

/** The values in the address, and a function that changes some of them. */
export function useQuery() {
  const at = useShared(place);
  const values = useMemo(() => Object.fromEntries(new URLSearchParams(at.split("?")[1] || "")), [at]);
  const change = useCallback((part, replace = true) => {
    const all = { ...Object.fromEntries(new URLSearchParams(location.search)), ...part };
    const name = location.pathname.slice(location.pathname.lastIndexOf("/") + 1);
    go(page(name, all), replace);
  }, []);
  return [values, change];
}

// -- live

const holds = shared(0);

/** While it holds, nothing is updated: a dialog is open, or rows are selected. */
export function useHold(when) {
  useEffect(() => {
    if (!when) return undefined;
    holds.set(holds.get() + 1);
    return () => holds.set(holds.get() - 1);
  }, [when]);
}

const SLOWEST = 60;

/**
 * Loads a value now and again and again, while the page is visible and nothing holds it.
 * `every` is the least number of seconds in between; `until` tells from a value that it is the last.
 */
export function useLive(load, about, { every = 1, until = () => false } = {}) {
  const [state, setState] = useState({ value: null, problem: null, at: 0 });
  const [turn, setTurn] = useState(0);
  const live = useShared(prefs).live;
  const held = useShared(holds) > 0;
  const seen = useVisible();
  const failures = useRef(0);
  const loadedFor = useRef(null);
  const again = useCallback(() => setTurn((each) => each + 1), []);
  const key = JSON.stringify(about);
  const last = useRef({ key: null, over: false, at: 0, turn: -1 });

  useEffect(() => {
    const first = last.current.key !== key || last.current.turn !== turn;
    if (loadedFor.current !== key) {
      loadedFor.current = key;
      failures.current = 0;
      setState({ value: null, problem: null, at: 0 });
    }
    if (!first && (held || !seen || !live || last.current.over)) return undefined;
    const pause = Math.min(Math.max(every, live || 2) * 2 ** failures.current, SLOWEST) * 1000;
    const wait = first ? 0 : Math.max(0, last.current.at + pause - performance.now());
    const abort = new AbortController();
    let ended = false;
    const timer = setTimeout(async () => {
      try {
        const value = await load(abort.signal);
        if (ended) return;
        failures.current = 0;
        last.current = { key, turn, at: performance.now(), over: until(value) };
        setState({ value, problem: null, at: now() });
      } catch (problem) {
        if (ended || problem.name === "AbortError") return;
        failures.current++;
        last.current = { key, turn, at: performance.now(), over: problem.status >= 400 && problem.status < 500 };
        setState((before) => ({ ...before, problem }));
      }
    }, wait);
    return () => {
      ended = true;
      clearTimeout(timer);
      abort.abort();
    };
  }, [key, turn, held, seen, live, state]);

  return { ...state, again };
}

function useVisible() {
  const [seen, set] = useState(!document.hidden);
  useEffect(() => {
    const look = () => set(!document.hidden);
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, []);
  return seen;
}

const beat = shared(0);
setInterval(() => document.hidden || beat.set(beat.get() + 1), 1000);

// -- numbers and times

const WHOLE = new Intl.NumberFormat("en-US", { maximumFractionDigits: 2 });
const SHORT = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 3 });

/** 1,234,567. */
export const number = (value) => (value === null || value === undefined ? "–" : WHOLE.format(value));

/** 1.23M, with the whole number on hover and focus. */
export const Short = ({ value }) =>
  value >= 100000 ? html`<abbr title=${number(value)} tabindex="0">${SHORT.format(value)}</abbr>` : number(value);

/** 340 ms, 2.5 s, 3 min, 4 h, 2 d. */
export function duration(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms < 1000) return Math.round(ms) + " ms";
  const s = ms / 1000;
  if (s < 60) return (s < 10 ? Math.round(s * 10) / 10 : Math.round(s)) + " s";
  if (s < 3600) return Math.round(s / 60) + " min";
  if (s < 48 * 3600) return Math.round(s / 360) / 10 + " h";
  return Math.round(s / 8640) / 10 + " d";
}

/** 12.5 kB. */
export function bytes(count) {
  if (count === null || count === undefined) return "–";
  if (count < 1000) return count + " B";
  return count < 1e6 ? Math.round(count / 100) / 10 + " kB" : Math.round(count / 1e5) / 10 + " MB";
}

/** The parts of a task's id that differ between tasks. */
export const brief = (id) => id.slice(0, 8) + "…" + id.slice(24, 32);

/** 2 s ago, in 5 min. */
export function relative(ms) {
  const far = Math.abs(ms);
  const text = far < 1000 ? "" : duration(far);
  return text === "" ? "now" : ms < 0 ? text + " ago" : "in " + text;
}

const clocks = {};

/** 2026-01-31 12:00:00 UTC, or in this browser's zone. */
export function absolute(time, zone = prefs.get().zone) {
  const name = zone === "utc" ? "UTC" : zone === "local" ? undefined : zone;
  clocks[zone] ||= new Intl.DateTimeFormat("en-GB", {
    timeZone: name, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
    hourCycle: "h23", timeZoneName: "short",
  });
  const part = Object.fromEntries(clocks[zone].formatToParts(new Date(time)).map(({ type, value }) => [type, value]));
  return `${part.year}-${part.month}-${part.day} ${part.hour}:${part.minute}:${part.second} ${part.timeZoneName}`;
}

/** A time, as a distance from now; `whole` adds the time itself. */
export function Time({ at, whole }) {
  useShared(beat);
  useShared(prefs);
  if (!at) return "–";
  const text = relative(Date.parse(at) - now());
  const exact = absolute(at);
  return html`<time datetime=${at} title=${exact} class="nowrap">${whole ? html`${exact} <span class="soft">(${text})</span>` : text}</time>`;
}

/** How old a view is. */
export function Age({ at, again, stopped }) {
  useShared(beat);
  if (!at) return null;
  return html`<span class="age">${stopped ? "as of " + absolute(at) : "updated " + relative(Math.min(-1, at - now()))}</span>
    <button class="quiet small" onClick=${again}>Refresh</button>`;
}

// -- foreign text

const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** Control and direction characters as `\u202e`. */
export const visible = (text) =>
  String(text).replace(HIDDEN, (each) => "\\u" + each.charCodeAt(0).toString(16).padStart(4, "0"));

/** The beginning of a text, with a mark if there is more. */
export const cut = (text, most = 2048) => (text.length > most ? text.slice(0, most) + "…" : text);

/** A word of a POSIX shell. */
export const quoted = (word) => (/^[\w./:=@%+,-]+$/.test(word) ? word : "'" + word.replaceAll("'", "'\\''") + "'");

/** A call of this API as a command. */
export function curl(home, { method = "GET", to, body }, key) {
  const parts = ["curl"];
  if (method !== "GET") parts.push("-X", method);
  parts.push(quoted(home + to.slice(1)));
  if (key) parts.push("-H", '"' + key + '"');
  if (body !== undefined) parts.push("-H", "'Content-Type: application/json'", "-d", quoted(JSON.stringify(body)));
  return parts.join(" ");
}

/** A text from outside: never more than text. */
export const Foreign = ({ text, mono, most }) => html`<bdi class=${"break" + (mono ? " mono" : "")}>${cut(visible(text), most)}</bdi>`;

// -- states

const SHAPES = {
  scheduled: "M5.5 1a4.5 4.5 0 1 0 .01 0M5.5 3v2.5l1.8 1.2",
  ready: "M5.5 1a4.5 4.5 0 1 0 .01 0",
  active: "M2.5 1.2l7 4.3-7 4.3z",
  retry: "M9.5 5.5a4 4 0 1 1-1.3-3M8.5.5v2.3H6.2",
  succeeded: "M1.2 6l2.9 3 5.7-7",
  dead: "M1.5 1.5l8 8M9.5 1.5l-8 8",
  cancelled: "M1.2 5.5h8.6",
  paused: "M3.5 1.5v8M7.5 1.5v8",
  running: "M2.5 1.2l7 4.3-7 4.3z",
};

const TONES = { active: "live", running: "live", retry: "warn", succeeded: "good", done: "good", dead: "bad", failed: "bad", paused: "warn", open: "bad", cancelled: "soft", scheduled: "soft" };

/** A state, by its word and shape. */
export const State = ({ word, text }) =>
  html`<span class=${"state " + (TONES[word] || "")}><svg viewBox="0 0 11 11" aria-hidden="true"><path d=${SHAPES[word] || SHAPES.ready} fill=${word === "active" || word === "running" ? "currentColor" : "none"} stroke="currentColor" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round" /></svg>${text || word}</span>`;

// -- frame of a page

/** The heading of a page, with its actions and its age. */
export function Title({ text, name, sub, live, children }) {
  useEffect(() => {
    const installation = document.querySelector("meta[name=installation]").content;
    document.title = [name || text, installation, "Task Runner"].filter(Boolean).join(" · ");
  }, [name, text]);
  return html`<div class="title">
    <div><h1>${text}</h1>${sub && html`<p class="sub">${sub}</p>`}</div>
    <div class="actions">${children}${live && html`<${Age} at=${live.at} again=${live.again} />`}</div>
  </div>`;
}

export const Panel = ({ title, side, children, plain }) => html`<section class="panel">
  ${title && html`<div class="head"><h2>${title}</h2>${side}</div>`}
  ${plain ? children : html`<div class="body">${children}</div>`}
</section>`;

/** Names and values. */
export const Facts = ({ of }) => html`<dl class="facts">${of.filter(Boolean).map(([name, value]) => html`<dt>${name}</dt><dd>${value ?? "–"}</dd>`)}</dl>`;

/** What a call failed with. */
export function Fault({ problem, again }) {
  const ref = useRef(null);
  useEffect(() => ref.current?.scrollIntoView({ block: "nearest" }), []);
  if (!problem) return null;
  return html`<div class="note bad" role="alert" ref=${ref}>
    <p>${problem.maybe ? html`<b>It may or may not have been done.</b> Check before you repeat it. ` : null}<${Foreign} text=${problem.message} /></p>
    ${problem.errors?.length > 1 && html`<ul>${problem.errors.map((each) => html`<li><${Foreign} text=${each.detail} /></li>`)}</ul>`}
    <p class="soft">${problem.code}${problem.requestId ? " · request " + problem.requestId : ""}
      ${again && html` <button class="small" onClick=${again}>Try again</button>`}</p>
  </div>`;
}

/** What a view shows before it has a value: nothing at first, then lines of its final height. */
export function Bones({ rows = 6 }) {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 150);
    return () => clearTimeout(timer);
  }, []);
  return html`<div data-loading>${late && html`<div class="panel"><table class="bones" role="presentation"><tbody>${Array.from({ length: rows }, () => html`<tr><td><span></span></td></tr>`)}</tbody></table><p class="sr" role="status">Loading</p></div>`}</div>`;
}

/** The state of a view that is not there yet: loading, or failed. Else its content. */
export function Loaded({ live, rows, children }) {
  if (live.value === null) return live.problem ? html`<${Fault} problem=${live.problem} again=${live.again} />` : html`<${Bones} rows=${rows} />`;
  return html`${live.problem && html`<${Fault} problem=${live.problem} again=${live.again} />`}${children}`;
}

/** A place without anything in it: what would be here, and the call that creates one. */
export const Empty = ({ title, text, code }) => html`<div class="empty"><h2>${title}</h2><p>${text}</p>${code && html`<pre tabindex="0">${code}</pre>`}</div>`;

/** This view as calls and commands. */
export function Calls({ calls, commands = [] }) {
  const key = session.get()?.role === "client" ? "Authorization: Bearer $TASK_RUNNER_API_KEY" : session.get()?.key === "loopback" ? "" : "X-Admin-Key: $TASK_RUNNER_ADMIN_KEY";
  const lines = calls.map((each) => curl(HOME, each, key)).concat(commands.map((each) => "./task-runner " + each));
  return html`<details class="calls"><summary>The same from a terminal</summary><pre class="wrap" tabindex="0">${lines.join("\n")}</pre><${Copy} text=${lines.join("\n")} /></details>`;
}

/** Copies a text; where the browser does not allow that, selects it. */
export function Copy({ text, label = "Copy" }) {
  const copy = async (event) => {
    try {
      await navigator.clipboard.writeText(text);
      tell("Copied.");
    } catch {
      const before = event.target.closest("button").previousElementSibling;
      if (before) getSelection().selectAllChildren(before);
      tell("Press Ctrl+C to copy the selected text.");
    }
  };
  return html`<button type="button" class="small quiet" onClick=${copy}>${label}</button>`;
}

// -- tables

/**
 * A table. A column has a `name`, a `cell` of a row, and may have `num`, or `head`: the row's own heading.
 * With `picked`, rows can be selected; `turn` receives the keys that are.
 */
export function Table({ caption, columns, rows, keyOf, picked, turn, classOf = () => "", foot }) {
  const all = picked && rows.length > 0 && rows.every((row) => picked.has(keyOf(row)));
  const flip = (key) => {
    const next = new Set(picked);
    next.has(key) ? next.delete(key) : next.add(key);
    turn(next);
  };
  return html`<section class="panel"><div class="scroll" tabindex="0" role="region" aria-label=${caption}><table class="rows" role="table">
    <caption class="sr">${caption}</caption>
    <thead role="rowgroup"><tr role="row">
      ${picked && html`<th scope="col" role="columnheader"><input type="checkbox" aria-label="Select all rows" checked=${all} onChange=${() => turn(new Set(all ? [] : rows.map(keyOf)))} /></th>`}
      ${columns.map((each) => html`<th scope="col" role="columnheader" class=${each.num ? "num" : ""}>${each.name}</th>`)}
    </tr></thead>
    <tbody role="rowgroup">${rows.map((row) => {
      const key = keyOf(row);
      return html`<tr key=${key} role="row" class=${(picked?.has(key) ? "picked " : "") + classOf(row)} data-row=${key}>
        ${picked && html`<td role="cell"><input type="checkbox" aria-label=${"Select " + key} checked=${picked.has(key)} onChange=${() => flip(key)} /></td>`}
        ${columns.map((each) => each.head
          ? html`<th scope="row" role="rowheader" data-label=${each.name}>${each.cell(row)}</th>`
          : html`<td role="cell" class=${each.num ? "num" : ""} data-label=${each.name}>${each.cell(row)}</td>`)}
      </tr>`;
    })}</tbody>
  </table></div>${foot && html`<div class="foot">${foot}</div>`}</section>`;
}

// -- forms and dialogs

/** A field with its label, hint and error. */
export function Field({ label, hint, error, wide, children }) {
  return html`<label class=${"field" + (wide ? " wide" : "") + (error ? " wrong" : "")}><span>${label}</span>${children}
    ${hint && html`<div class="hint">${hint}</div>`}${error && html`<div class="fault">${visible(error)}</div>`}</label>`;
}

/** The error of a problem about a field. */
export const errorAt = (problem, pointer) => problem?.errors.find((each) => each.pointer === pointer || each.parameter === pointer)?.detail;
