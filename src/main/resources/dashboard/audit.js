import { useState } from "preact/hooks";
import { get, query } from "./api.js";
import { Calls, Empty, Foreign, Loaded, Table, Time, Title, html, useLive, useQuery } from "./ui.js";

const ROWS = 50;

export default function Audit() {
  const [{ who = "", what = "" }, change] = useQuery();
  const [trail, setTrail] = useState([]);
  const values = { who, what, limit: ROWS, cursor: trail.at(-1) };
  const live = useLive((signal) => get("/admin/audit" + query(values), signal), values, { every: 5, until: () => trail.length > 0 });
  const rows = live.value?.entries || [];
  const alter = (part) => {
    setTrail([]);
    change(part);
  };
  return html`
    <${Title} text="Audit log" sub="Changes made by admins" live=${live} />
    <form class="filter" onSubmit=${(event) => event.preventDefault()}>
      <label>By<input type="search" value=${who} onChange=${(event) => alter({ who: event.target.value.trim() })} spellcheck="false" placeholder="name of a key" /></label>
      <label>Kind<input type="search" value=${what} onChange=${(event) => alter({ what: event.target.value.trim() })} spellcheck="false" placeholder="queue" /></label></form>
    <${Loaded} live=${live}>${rows.length
      ? html`<${Table} caption="Changes, the newest first" rows=${rows} keyOf=${(each) => each.time + each.request_id + each.what} columns=${[
          { name: "Time", head: true, cell: (each) => html`<${Time} at=${each.time} whole />` },
          { name: "By", cell: (each) => html`<${Foreign} text=${each.who} />` },
          { name: "Change", cell: (each) => html`<${Foreign} text=${each.what} />` },
          { name: "Details", cell: (each) => Object.entries(each.details).map(([name, value]) => html`<div><span class="soft"><${Foreign} text=${name} /></span> <${Foreign} text=${value} most=${300} /></div>`) },
          { name: "Request", cell: (each) => html`<code class="break">${each.request_id}</code>` },
        ]} foot=${html`${trail.length > 0 && html`<button class="small" onClick=${() => setTrail(trail.slice(0, -1))}>Newer</button>`}${live.value.next_cursor && html`<button class="small" onClick=${() => setTrail([...trail, live.value.next_cursor])}>Older</button>`}`} />`
      : html`<div class="panel"><${Empty} title="No change" text="Changes made with an admin key appear here, for 90 days." /></div>`}<//>
    <${Calls} calls=${[{ to: "/admin/audit" + query({ who, what }) }]} commands=${["audit"]} />`;
}
