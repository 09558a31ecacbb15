import { useState } from "preact/hooks";
import { get, path, post, query } from "./api.js";
import { Do, rhythm } from "./parts.js";
import { Calls, Empty, Foreign, Loaded, State, Table, Time, Title, html, mayChange, number, page, useLive } from "./ui.js";

const ROWS = 50;

export default function Schedules() {
  const [trail, setTrail] = useState([]);
  const live = useLive((signal) => get("/v1/schedules" + query({ limit: ROWS, cursor: trail.at(-1) }), signal), trail);
  const rows = live.value?.schedules || [];
  return html`
    <${Title} text="Schedules" sub=${live.value ? number(live.value.count) + " in total" : null} live=${live}>${mayChange() && html`<a class="button" href=${page("schedule")}>New schedule</a>`}<//>
    <${Loaded} live=${live}>
      ${live.value?.unavailable?.length > 0 && html`<div class="note warn">Cannot be read now: <${Foreign} text=${live.value.unavailable.join(", ")} /></div>`}
      ${rows.length
        ? html`<${Table} caption="Schedules" rows=${rows} keyOf=${(each) => each.name} columns=${[
            { name: "Schedule", head: true, cell: (each) => html`<a href=${page("schedule", { name: each.name })}><${Foreign} text=${each.name} /></a>` },
            { name: "Rhythm", cell: rhythm },
            { name: "Next run", cell: (each) => (each.paused ? html`<${State} word="paused" />` : html`<${Time} at=${each.next_time} />`) },
            { name: "Last run", cell: (each) => html`<${Time} at=${each.last_time} />` },
            { name: "Missed", num: true, cell: (each) => (each.missed ? html`<span class="warn">${number(each.missed)}</span>` : "0") },
            { name: "Client", cell: (each) => html`<${Foreign} text=${each.client_id} />` },
            { name: "Queue", cell: (each) => html`<a href=${page("queue", { name: each.queue })}><${Foreign} text=${each.queue} /></a>` },
            ...(mayChange() ? [{ name: "Action", cell: (each) => html`<${Do} class="small" aria-label=${(each.paused ? "Resume " : "Pause ") + each.name} said=${each.paused ? "Resumed." : "Paused."} after=${live.again} does=${() => post(path`/v1/schedules/${each.name}/` + (each.paused ? "resume" : "pause"))}>${each.paused ? "Resume" : "Pause"}<//>` }] : []),
          ]} foot=${html`${trail.length > 0 && html`<button class="small" onClick=${() => setTrail(trail.slice(0, -1))}>Previous page</button>`}${live.value.next_cursor && html`<button class="small" onClick=${() => setTrail([...trail, live.value.next_cursor])}>Next page</button>`}`} />`
        : html`<div class="panel"><${Empty} title="No schedule" text="A schedule creates a task again and again, by a cron expression or an interval." code="./task-runner schedules set --help" /></div>`}<//>
    <${Calls} calls=${[{ to: "/v1/schedules" }]} commands=${["schedules list"]} />`;
}
