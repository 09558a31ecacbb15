import { useState } from "preact/hooks";
import { call, get, path } from "./api.js";
import { Ask, Do } from "./parts.js";
import { Calls, Empty, Field, Foreign, Loaded, State, Table, Time, Title, duration, errorAt, html, mayChange, number, page, tell, useLive } from "./ui.js";

const SETTINGS = [
  ["max_concurrent", "Maximum running", "Concurrent attempts to this host; empty: no limit"],
  ["max_dispatches_per_sec", "Starts per second", "Empty: no limit"],
  ["breaker_failure_threshold", "Failures that open the breaker", "In a row; 0: never; empty: as set for all"],
  ["breaker_timeout_sec", "Longest time between probes (s)", "Empty: as set for all"],
  ["breaker_max_requests", "Probes at first", "Concurrent ones; empty: as set for all"],
];

function Edit({ host, close, after }) {
  const [name, setName] = useState(host?.value.host || "");
  const [mine, setMine] = useState(Object.fromEntries(SETTINGS.map(([each]) => [each, host?.value[each] ?? ""])));
  const save = async () => {
    const body = Object.fromEntries(SETTINGS.filter(([each]) => mine[each] !== "").map(([each]) => [each, Number(mine[each])]));
    await call("PUT", path`/admin/hosts/${name}`, { body, headers: host ? { "If-Match": host.etag } : { "If-None-Match": "*" } });
    tell("Saved.");
    after();
  };
  return html`<${Ask} title=${host ? html`Limits of <${Foreign} text=${name} />` : "Limit a host"} confirm="Save" does=${save} close=${close} disabled=${!name}>${(problem) => html`
    ${problem?.status === 412 && html`<div class="note warn">${host ? "Another user changed this host meanwhile. Nothing was overwritten: close this and look again." : "This host has settings already."}</div>`}
    <div class="fields">${!host && html`<${Field} wide label="Host" hint="A name or an address, with or without a port" error=${errorAt(problem, "host")}><input value=${name} onInput=${(event) => setName(event.target.value.trim())} spellcheck="false" autocomplete="off" required /><//>`}
    ${SETTINGS.map(([each, label, hint]) => html`<${Field} label=${label} hint=${hint} error=${errorAt(problem, "/" + each)}><input type="number" min="0" step="any" value=${mine[each]} onInput=${(event) => setMine({ ...mine, [each]: event.target.value })} /><//>`)}</div>`}<//>`;
}

export default function Hosts() {
  const [asks, setAsks] = useState(null);
  const live = useLive(async (signal) => {
    const [hosts, breakers] = await Promise.all([get("/admin/hosts", signal), get("/admin/breakers?limit=200", signal)]);
    return { hosts: hosts.hosts, breakers: breakers.breakers };
  }, "hosts");
  const { hosts = [], breakers = [] } = live.value || {};
  return html`
    <${Title} text="Hosts" sub="Circuit breakers, and hosts with limits of their own" live=${live}>${mayChange() && html`<button onClick=${() => setAsks({ kind: "edit" })}>Limit a host</button>`}<//>
    <${Loaded} live=${live}>
      <div class="title"><div><h2>Open circuit breakers</h2></div></div>
      ${breakers.length
        ? html`<${Table} caption="Open circuit breakers" rows=${breakers} keyOf=${(each) => each.host} columns=${[
            { name: "Host", head: true, cell: (each) => html`<a href=${page("tasks", { host: each.host })}><${Foreign} text=${each.host} /></a>` },
            { name: "State", cell: (each) => html`<${State} word=${each.state === "open" ? "open" : "retry"} text=${each.state === "open" ? "open" : "half open"} />` },
            { name: "Since", cell: (each) => html`<${Time} at=${each.opened_time} />` },
            { name: "Next probe", cell: (each) => (each.next_probe_time ? html`<${Time} at=${each.next_probe_time} />` : `${each.probes_running} of ${each.probes_allowed} running`) },
            { name: "Waiting tasks", num: true, cell: (each) => number(each.waiting) },
            ...(mayChange() ? [{ name: "Action", cell: (each) => html`<${Do} class="small" said=${"Closed the breaker of " + each.host + "."} after=${live.again} does=${() => call("DELETE", path`/admin/breakers/${each.host}`)}>Close<//>` }] : []),
          ]} />`
        : html`<div class="panel"><${Empty} title="All circuit breakers are closed" text="The breaker of a host opens after several failures in a row. Its tasks then wait, without using a slot or an attempt, until a probe succeeds." /></div>`}
      <div class="title"><div><h2>Hosts with limits</h2></div></div>
      ${hosts.length
        ? html`<${Table} caption="Hosts with limits" rows=${hosts} keyOf=${(each) => each.host} columns=${[
            { name: "Host", head: true, cell: (each) => html`<a href=${page("tasks", { host: each.host })}><${Foreign} text=${each.host} /></a>` },
            { name: "Running", num: true, cell: (each) => html`${number(each.running)}${each.max_concurrent ? " of " + number(each.max_concurrent) : ""}` },
            { name: "Waiting", num: true, cell: (each) => number(each.waiting) },
            { name: "Per second", num: true, cell: (each) => number(each.max_dispatches_per_sec) },
            { name: "Breaker opens after", num: true, cell: (each) => (each.breaker_failure_threshold === null ? "default" : number(each.breaker_failure_threshold)) },
            { name: "Probes", num: true, cell: (each) => (each.breaker_timeout_sec === null ? "default" : "every " + duration(each.breaker_timeout_sec * 1000) + " at most") },
            ...(mayChange() ? [{ name: "Action", cell: (each) => html`<span class="actions"><button class="small" onClick=${async () => setAsks({ kind: "edit", host: await call("GET", path`/admin/hosts/${each.host}`) })}>Edit</button><button class="small danger" onClick=${() => setAsks({ kind: "remove", name: each.host })}>Remove</button></span>` }] : []),
          ]} />`
        : html`<div class="panel"><${Empty} title="No host has limits" text="Limits apply to all workers together; tasks that wait for a host use no slot." /></div>`}<//>
    <${Calls} calls=${[{ to: "/admin/breakers" }, { to: "/admin/hosts" }]} commands=${["hosts list"]} />
    ${asks?.kind === "edit" && html`<${Edit} host=${asks.host} close=${() => setAsks(null)} after=${live.again} />`}
    ${asks?.kind === "remove" && html`<${Ask} title=${html`Remove the limits of <${Foreign} text=${asks.name} />`} confirm="Remove" danger close=${() => setAsks(null)} does=${async () => { await call("DELETE", path`/admin/hosts/${asks.name}`); live.again(); }}><p>Its tasks start without limits of the host from now on.</p><//>`}`;
}
