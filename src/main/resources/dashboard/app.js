// The frame: who is signed in, the menu, the pages by their address, and the keys.
import { render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { HOME, call, get, now, on } from "./api.js";
import { Bones, Fault, Field, Toast, absolute, go, html, isAdmin, may, page, place, prefer, prefs, session, shared, tell, trouble, useShared } from "./ui.js";

const NAME = document.querySelector("meta[name=installation]").content;

/** The pages: their file, their name in the menu, the key after g, and who sees them. */
const PAGES = {
  overview: { file: "overview", menu: "Overview", key: "o", admin: true },
  queues: { file: "queues", menu: "Queues", key: "q" },
  queue: { file: "queue", under: "queues" },
  tasks: { file: "tasks", menu: "Tasks", key: "t" },
  task: { file: "task", under: "tasks" },
  new: { file: "new", under: "tasks" },
  dead: { file: "dead", menu: "Dead", key: "d", admin: true },
  schedules: { file: "schedules", menu: "Schedules", key: "s", admin: true },
  schedule: { file: "schedule", under: "schedules", admin: true },
  operations: { file: "operations", menu: "Operations", key: "p" },
  operation: { file: "operation", under: "operations" },
  hosts: { file: "hosts", menu: "Hosts", admin: true, gap: true },
  clients: { file: "clients", menu: "Clients", admin: true },
  client: { file: "client", under: "clients", admin: true },
  keys: { file: "keys", menu: "Keys", admin: true },
  config: { file: "config", menu: "Configuration", admin: true },
  audit: { file: "audit", menu: "Audit", admin: true },
  system: { file: "system", menu: "System", admin: true },
};

const START = "overview";
const loaded = {};

const isSeen = (each) => !each.admin || isAdmin();

function Loader({ name }) {
  const [, setLoads] = useState(0);
  const [problem, setProblem] = useState(null);
  useEffect(() => {
    let left = false;
    setProblem(null);
    if (!loaded[name]) {
      import(`./${PAGES[name].file}.js`).then(
        (all) => {
          loaded[name] = all.default;
          if (!left) setLoads((each) => each + 1);
        },
        () => left || setProblem(new Error("This page could not be loaded. The server may have been updated: reload.")),
      );
    }
    return () => {
      left = true;
    };
  }, [name]);
  if (problem) return html`<${Fault} problem=${problem} again=${() => location.reload()} />`;
  const Shown = loaded[name];
  return Shown ? html`<${Shown} key=${name} />` : html`<${Bones} />`;
}

/** Where a text of the search leads. */
function found(text) {
  const words = text.trim();
  if (/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(words)) return page("task", { id: words.toLowerCase() });
  if (/^[A-Za-z0-9.-]+\.[A-Za-z0-9.-]+(:\d+)?$|^localhost(:\d+)?$|^\[.*\](:\d+)?$/.test(words)) return page("tasks", { host: words });
  if (/^[^:\s]+:.+$/.test(words)) return page("tasks", { label: words });
  return page("queue", { name: words });
}

function Search() {
  const submit = (event) => {
    event.preventDefault();
    const input = event.target.elements.search;
    if (input.value.trim()) {
      go(found(input.value));
      input.value = "";
      input.blur();
    }
  };
  return html`<form class="search" role="search" onSubmit=${submit}>
    <input name="search" id="search" type="search" aria-label="Search" placeholder="A task id, name:value of a label, a host, a queue" autocomplete="off" spellcheck="false" maxlength="600" />
  </form>`;
}

function Display() {
  const now = useShared(prefs);
  const pick = (name, values) => values.map(([value, text]) => html`<button type="button" aria-pressed=${now[name] === value} onClick=${() => prefer({ [name]: value })}>${text}</button>`);
  return html`<details class="pop">
    <summary class="button small" role="button">${now.live ? `Live, ${now.live} s` : "Live is off"}</summary>
    <div>
      <${Field} label="Update"><select value=${now.live} onChange=${(event) => prefer({ live: Number(event.target.value) })}>
        ${[[1, "each second"], [2, "every 2 s"], [5, "every 5 s"], [15, "every 15 s"], [60, "every minute"], [0, "off"]].map(([value, text]) => html`<option value=${value}>${text}</option>`)}
      </select><//>
      <div><b>Times</b><div class="tabs" role="group" aria-label="Time zone">${pick("zone", [["utc", "UTC"], ["local", "Local"]])}</div></div>
      <div><b>Theme</b><div class="tabs" role="group" aria-label="Theme">${pick("theme", [["auto", "System"], ["light", "Light"], ["dark", "Dark"]])}</div></div>
      <label class="check"><input type="checkbox" checked=${now.keys} onChange=${(event) => prefer({ keys: event.target.checked })} /> Single-key shortcuts (? lists them)</label>
    </div>
  </details>`;
}

function Who() {
  const one = useShared(session);
  const out = async () => {
    await call("DELETE", "/v1/session").catch(() => {});
    await enter();
  };
  if (one.key === "loopback") {
    return html`<details class="pop"><summary class="button small quiet" role="button"><span class="who">this machine, no key</span></summary>
      <div><p>This server listens on loopback and has no ADMIN_API_KEY, so everyone on this machine may do everything.</p>
      <button onClick=${() => wantsSignIn.set(true)}>Sign in with a key</button></div></details>`;
  }
  const limits = one.role === "client" ? one.scopes.join(", ") : may("operate") ? "" : "read only";
  return html`<details class="pop"><summary class="button small quiet" role="button"><span class="who">${one.key}${limits && html` · <b>${limits}</b>`}</span></summary>
    <div><p>${one.role === "client" ? `A key of client ${one.client_id}. It shows only this client's tasks.` : may("operate") ? "An admin key: it may do everything." : "A read-only admin key."}</p>
    <button onClick=${out}>Sign out</button></div></details>`;
}

const wantsSignIn = shared(false);

function Menu({ at }) {
  const main = Object.entries(PAGES).filter(([, each]) => each.menu && isSeen(each));
  const here = PAGES[at]?.under || at;
  return html`<nav class="side" aria-label="Pages"><ul>${main.map(([name, each]) => html`
    <li class=${each.gap ? "gap" : ""}><a href=${page(name === "overview" ? "" : name)} aria-current=${here === name ? "page" : null}>${each.menu}</a></li>`)}</ul></nav>`;
}

const Logo = () => html`<svg viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="7" fill="#0b63ce" /><path d="M8 10h9M8 16h13M8 22h6" stroke="#fff" stroke-width="2.6" stroke-linecap="round" /><path d="M20 19.5l5 3-5 3z" fill="#fff" /></svg>`;

function Frame() {
  const at = useShared(place);
  const [open, setOpen] = useState(false);
  const main = useRef(null);
  const since = useShared(trouble);
  const name = at.split("?")[0].slice(new URL("ui/", HOME).pathname.length) || (isAdmin() ? START : "tasks");
  const known = PAGES[name] && isSeen(PAGES[name]);
  const first = useRef(true);
  useEffect(() => {
    setOpen(false);
    if (!first.current) main.current.focus({ preventScroll: true });
    first.current = false;
  }, [name]);
  return html`<div class=${"frame" + (open ? " open" : "")}>
    <a class="skip" href="#main" onClick=${(event) => { event.preventDefault(); main.current.focus(); }}>Skip to the content</a>
    <header class="top">
      <button class="menu-button small" aria-expanded=${open} onClick=${() => setOpen(!open)}>Menu</button>
      <a class="brand" href=${page("")}><${Logo} /><span>Task Runner</span>${NAME && html`<small>${NAME}</small>`}</a>
      <${Search} />
      <div class="tools"><${Display} /><${Who} /></div>
    </header>
    <${Menu} at=${name} />
    <main id="main" ref=${main} tabindex="-1" class=${since ? "stale" : ""}>
      ${since ? html`<div class="note bad" role="alert"><b>The server cannot answer since ${absolute(since)}.</b> The numbers are from before. This page tries again by itself.</div>` : null}
      ${known ? html`<${Loader} name=${name} />` : html`<h1>Not found</h1><p>There is no page <code>${name}</code> for you. <a href=${page("")}>Start</a></p>`}
    </main>
  </div>`;
}

function SignIn({ why, cancel }) {
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const clear = location.protocol === "http:" && !["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
  useEffect(() => {
    document.title = ["Sign in", NAME, "Task Runner"].filter(Boolean).join(" · ");
  }, []);
  const send = async (event) => {
    event.preventDefault();
    const input = event.target.elements.key;
    setBusy(true);
    setProblem(null);
    try {
      const { value } = await call("POST", "/v1/session", { body: { key: input.value } });
      input.value = "";
      wantsSignIn.set(false);
      lost.set(null);
      session.set(value);
    } catch (failure) {
      setProblem(failure);
      setBusy(false);
      input.select();
    }
  };
  return html`<main class="signin" id="main">
    <div class="brand"><${Logo} /><span>Task Runner</span>${NAME && html`<small>${NAME}</small>`}</div>
    <section class="panel"><form onSubmit=${send}>
      <h1>Sign in</h1>
      ${why && html`<p class="note">${why.message}</p>`}
      <input name="username" autocomplete="username" value=${NAME || "task-runner"} hidden readonly />
      <${Field} label="API key"><input type="password" name="key" autocomplete="current-password" autofocus required spellcheck="false" /><//>
      ${problem && html`<p class="fault" role="alert">${problem.message}</p>`}
      <button class="main" disabled=${busy}>Sign in</button>
      ${cancel && html`<button type="button" onClick=${cancel}>Cancel</button>`}
    </form>
    <p class="hint">An admin key, or an API key of a client. It is sent once and not kept in this browser; a cookie that scripts cannot read keeps you signed in for 12 hours after your last visit.</p>
    ${clear && html`<p class="note warn">This page was loaded without TLS: the key can be read on the network.</p>`}
    </section>
  </main>`;
}

const lost = shared(null);

async function enter() {
  try {
    session.set(await get("/v1/session"));
  } catch {
    setTimeout(enter, 2000);
  }
}

const KEYS = [["/", "search"], ["g o", "overview"], ["g q", "queues"], ["g t", "tasks"], ["g d", "dead tasks"], ["g s", "schedules"], ["g p", "operations"], ["j k", "next, previous row"], ["Enter", "open the row"], ["x", "select the row"], ["r", "refresh now"], [".", "live on or off"], ["?", "this list"], ["Esc", "close"]];
const help = shared(false);

function Help() {
  const shown = useShared(help);
  const ref = useRef(null);
  useEffect(() => {
    if (shown) ref.current.showModal();
  }, [shown]);
  return shown && html`<dialog ref=${ref} aria-labelledby="keys" onClose=${() => help.set(false)}><form method="dialog"><h2 id="keys">Keys</h2>
    <dl class="facts">${KEYS.map(([key, text]) => html`<dt><kbd>${key}</kbd></dt><dd>${text}</dd>`)}</dl>
    <div class="buttons"><button>Close</button></div></form></dialog>`;
}

let afterG = 0;

function press(event) {
  if (!prefs.get().keys || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.target.closest?.("input, textarea, select, dialog[open], [contenteditable]")) return;
  const rows = [...document.querySelectorAll("main tr[data-row]")];
  const current = rows.findIndex((each) => each.contains(document.activeElement));
  const acts = {
    "/": () => document.getElementById("search")?.focus(),
    "?": () => help.set(true),
    ".": () => {
      prefer({ live: prefs.get().live ? 0 : 2 });
      tell(prefs.get().live ? "Live is on." : "Live is off.");
    },
    r: () => [...document.querySelectorAll("main .title button")].find((each) => each.textContent === "Refresh")?.click(),
    j: () => rows[Math.min(rows.length - 1, current + 1)]?.querySelector("a, button, input")?.focus(),
    k: () => rows[Math.max(0, current - 1)]?.querySelector("a, button, input")?.focus(),
    x: () => rows[current]?.querySelector("input[type=checkbox]")?.click(),
    Enter: () => document.activeElement.matches("a, button, summary") ? null : rows[current]?.querySelector("a")?.click(),
    g: () => {
      afterG = performance.now();
    },
  };
  if (performance.now() - afterG < 1500) {
    afterG = 0;
    const to = Object.entries(PAGES).find(([, each]) => each.key === event.key && isSeen(each));
    if (to) {
      event.preventDefault();
      go(page(to[0] === "overview" ? "" : to[0]));
      return;
    }
  }
  if (acts[event.key]) {
    if (event.key !== "Enter") event.preventDefault();
    acts[event.key]();
  }
}

function App() {
  const one = useShared(session);
  const why = useShared(lost);
  const wanted = useShared(wantsSignIn);
  if (!one) return null;
  if (!one.role || wanted) return html`<${SignIn} why=${why} cancel=${wanted && one.role ? () => wantsSignIn.set(false) : null} />`;
  return html`<${Frame} key=${one.key} /><${Help} /><${Toast} />`;
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  document.querySelectorAll("details.pop[open]").forEach((each) => each.contains(event.target) || (each.open = false));
  if (!link || link.target || link.download || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.defaultPrevented) return;
  if (link.href.startsWith(HOME + "ui/")) {
    event.preventDefault();
    go(link.pathname + link.search);
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") document.querySelectorAll("details.pop[open]").forEach((each) => (each.open = false));
  press(event);
});
addEventListener("popstate", () => place.set(location.pathname + location.search));
on("answered", (well) => {
  if (well && trouble.get()) trouble.set(0);
  if (!well && !trouble.get()) trouble.set(now());
});
on("signedout", async (problem) => {
  if (session.get()?.role) {
    lost.set(problem);
    if (problem.code === "client_disabled") await call("DELETE", "/v1/session").catch(() => {});
    await enter();
  }
});
render(html`<${App} />`, document.getElementById("app"));
enter();
