import { useState } from "preact/hooks";
import { call, get, query } from "./api.js";
import { Ask } from "./parts.js";
import { Calls, Empty, Field, Foreign, Loaded, State, Table, Time, Title, errorAt, go, html, mayChange, number, page, useLive, useQuery } from "./ui.js";

const ROWS = 50;

function NewClient({ close }) {
  const [id, setId] = useState("");
  const make = async () => {
    await call("POST", "/admin/clients/set", { body: { client_id: id }, headers: { "If-None-Match": "*" } });
    go(page("client", { id }));
  };
  return html`<${Ask} title="New client" confirm="Create" does=${make} close=${close} disabled=${!id}>${(problem) => html`<${Field} label="Client id" hint="3 to 64 of A-Z a-z 0-9 _ -" error=${errorAt(problem, "/client_id") || (problem?.status === 412 ? "A client of this id exists." : null)}><input value=${id} onInput=${(event) => setId(event.target.value.trim())} autocomplete="off" spellcheck="false" required /><//>`}<//>`;
}

export default function Clients() {
  const [{ id = "" }] = useQuery();
  const [trail, setTrail] = useState([]);
  const [asks, setAsks] = useState(false);
  const live = useLive((signal) => get("/admin/clients" + query({ limit: ROWS, cursor: trail.at(-1) }), signal), trail, { every: 5 });
  const rows = live.value?.clients || [];
  const look = (event) => {
    event.preventDefault();
    if (event.target.elements.id.value) go(page("client", { id: event.target.elements.id.value.trim() }));
  };
  return html`
    <${Title} text="Clients" sub=${live.value ? number(live.value.count) + " in total" : null} live=${live}>${mayChange() && html`<button onClick=${() => setAsks(true)}>New client</button>`}<//>
    <form class="filter" onSubmit=${look}><label>Client id<input type="search" name="id" defaultValue=${id} spellcheck="false" autocomplete="off" /></label><button>Open</button></form>
    <${Loaded} live=${live}>${rows.length
      ? html`<${Table} caption="Clients" rows=${rows} keyOf=${(each) => each.client_id} columns=${[
          { name: "Client", head: true, cell: (each) => html`<a href=${page("client", { id: each.client_id })}><${Foreign} text=${each.client_id} /></a>` },
          { name: "State", cell: (each) => (each.enabled ? "enabled" : html`<${State} word="dead" text="disabled" />`) },
          { name: "Tier", cell: (each) => html`<${Foreign} text=${each.tier} />` },
          { name: "Maximum running", num: true, cell: (each) => number(each.rate_limit.max_concurrent) },
          { name: "Calls per minute", num: true, cell: (each) => number(each.rate_limit.requests_per_min) },
          { name: "Queues", cell: (each) => (each.allowed_queues ? html`<${Foreign} text=${each.allowed_queues.join(", ")} />` : "all") },
          { name: "Updated", cell: (each) => html`<${Time} at=${each.updated_at} />` },
        ]} foot=${html`${trail.length > 0 && html`<button class="small" onClick=${() => setTrail(trail.slice(0, -1))}>Previous page</button>`}${live.value.next_cursor && html`<button class="small" onClick=${() => setTrail([...trail, live.value.next_cursor])}>Next page</button>`}`} />`
      : html`<div class="panel"><${Empty} title="No client" text="Clients register themselves with their first task, or are created here." /></div>`}<//>
    <${Calls} calls=${[{ to: "/admin/clients" }]} commands=${["clients list"]} />
    ${asks && html`<${NewClient} close=${() => setAsks(false)} />`}`;
}
