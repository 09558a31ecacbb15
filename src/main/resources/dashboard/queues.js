import { useState } from "preact/hooks";
import { call, get, path, post } from "./api.js";
import { Ask, Count, Do, Spark, holds } from "./parts.js";
import { Calls, Empty, Field, Foreign, Loaded, Table, Title, duration, errorAt, go, html, isAdmin, mayChange, number, page, useLive, useQuery } from "./ui.js";

const NAME = /^[A-Za-z0-9_-]{1,64}$/;

const project = (name) => (name.includes("/") ? name.split("/queues/")[0] : "");
const ROWS = 100;

function NewQueue({ close }) {
  const [name, setName] = useState("");
  const [weight, setWeight] = useState("1");
  const make = async () => {
    await call("PUT", path`/v1/queues/${name}`, { body: { weight: Number(weight) }, headers: { "If-None-Match": "*" } });
    go(page("queue", { name }));
  };
  return html`<${Ask} title="New queue" confirm="Create" does=${make} close=${close} disabled=${!NAME.test(name)}>
    ${(problem) => html`<div class="fields">
      <${Field} label="Name" hint="1 to 64 of A-Z a-z 0-9 _ -" error=${problem?.code === "precondition_failed" ? "A queue of this name exists." : null}><input value=${name} onInput=${(event) => setName(event.target.value)} autocomplete="off" spellcheck="false" required /><//>
      <${Field} label="Weight" hint="Share of the workers when they are saturated" error=${errorAt(problem, "/weight")}><input type="number" min="1" max="100" value=${weight} onInput=${(event) => setWeight(event.target.value)} required /><//>
    </div>`}
  <//>`;
}

export default function Queues() {
  const [{ name = "", first = "0" }, change] = useQuery();
  const [asks, setAsks] = useState(false);
  const live = useLive((signal) => get("/v1/queues", signal), "queues");
  const overview = useLive((signal) => (isAdmin() ? get("/v1/overview", signal) : null), "sparks", { every: 15 });
  const ended = Object.fromEntries((overview.value?.queues || []).map((each) => [each.name, each.ended_per_minute]));
  const all = (live.value?.queues || []).filter((each) => each.name.toLowerCase().includes(name.toLowerCase()));
  all.sort((a, b) => project(a.name).localeCompare(project(b.name)) || a.name.localeCompare(b.name));
  const from = Math.min(Number(first) || 0, Math.max(0, all.length - 1));
  const columns = [
    { name: "Queue", head: true, cell: (each) => html`<a class="break" href=${page("queue", { name: each.name })}><${Foreign} text=${each.name} /></a>` },
    { name: "Ready", num: true, cell: (each) => html`<${Count} value=${each.stats.ready} queue=${each.name} state="ready" />` },
    { name: "Active", num: true, cell: (each) => html`<${Count} value=${each.stats.active} queue=${each.name} state="active" />` },
    { name: "Scheduled", num: true, cell: (each) => html`<${Count} value=${each.stats.scheduled} queue=${each.name} state="scheduled" />` },
    { name: "Retrying", num: true, cell: (each) => html`<${Count} value=${each.stats.retry} queue=${each.name} state="retry" />` },
    { name: "Dead", num: true, cell: (each) => html`<${Count} value=${each.stats.dead} queue=${each.name} state="dead" tone="bad" />` },
    { name: "Oldest ready", num: true, cell: (each) => (each.stats.ready ? duration(each.stats.oldest_ready_age_sec * 1000) : "–") },
    ...(isAdmin() ? [{ name: "Attempts, 30 min", cell: (each) => html`<${Spark} values=${ended[each.name]} />` }] : []),
    { name: "Weight", num: true, cell: (each) => each.weight },
    { name: "Held by", cell: holds },
  ];
  if (mayChange()) {
    columns.push({
      name: "Action",
      cell: (each) => html`<${Do} class="small" aria-label=${(each.paused ? "Resume " : "Pause ") + each.name} said=${(each.paused ? "Resumed " : "Paused ") + each.name + "."} after=${live.again} does=${() => post(path`/v1/queues/${each.name}/` + (each.paused ? "resume" : "pause"))}>${each.paused ? "Resume" : "Pause"}<//>`,
    });
  }
  return html`
    <${Title} text="Queues" live=${live}>${mayChange() && html`<button onClick=${() => setAsks(true)}>New queue</button>`}<//>
    <div class="filter"><label>Name contains<input type="search" value=${name} onInput=${(event) => change({ name: event.target.value, first: "" })} spellcheck="false" /></label></div>
    <${Loaded} live=${live}>
      ${all.length
        ? html`<${Table} caption="Queues and the number of their tasks by state" columns=${columns} rows=${all.slice(from, from + ROWS)} keyOf=${(each) => each.name}
            foot=${all.length > ROWS && html`<span>${from + 1} to ${Math.min(from + ROWS, all.length)} of ${number(all.length)}</span>
              <button class="small" disabled=${!from} onClick=${() => change({ first: Math.max(0, from - ROWS) })}>Previous</button>
              <button class="small" disabled=${from + ROWS >= all.length} onClick=${() => change({ first: from + ROWS })}>Next</button>`} />`
        : html`<div class="panel"><${Empty} title="No queue" text=${name ? "No queue has a name that contains this text." : "This key may use no queue."} /></div>`}
    <//>
    <${Calls} calls=${[{ to: "/v1/queues" }]} commands=${["queues list"]} />
    ${asks && html`<${NewQueue} close=${() => setAsks(false)} />`}`;
}
