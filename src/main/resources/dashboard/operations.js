import { get } from "./api.js";
import { Progress, Condition, ACTIONS, inWords } from "./parts.js";
import { Calls, Empty, Loaded, Table, Time, Title, html, number, page, useLive } from "./ui.js";

export default function Operations() {
  const live = useLive((signal) => get("/v1/operations?limit=100", signal), "operations");
  const rows = live.value?.operations || [];
  return html`
    <${Title} text="Operations" sub="One action on many tasks" live=${live} />
    <${Loaded} live=${live}>${rows.length
      ? html`<${Table} caption="Operations, the newest first" rows=${rows} keyOf=${(each) => each.operation_id} columns=${[
          { name: "Operation", head: true, cell: (each) => html`<a href=${page("operation", { id: each.operation_id })}>${ACTIONS[each.action].title}${each.dry_run ? " (trial)" : ""}</a>` },
          { name: "Tasks with", cell: (each) => html`<span class="break">${inWords(each.filter)}</span>` },
          { name: "State", cell: (each) => html`<${Condition} of=${each} />` },
          { name: "Tasks", num: true, cell: (each) => html`<${Progress} of=${each} />` },
          { name: "Failed", num: true, cell: (each) => (each.failed ? html`<span class="bad">${number(each.failed)}</span>` : "0") },
          { name: "Pace", num: true, cell: (each) => (each.per_sec ? number(each.per_sec) + "/s" : "–") },
          { name: "Begun", cell: (each) => html`<${Time} at=${each.created_time} />` },
        ]} />`
      : html`<div class="panel"><${Empty} title="No operation" text="Operations begin under Tasks and Dead, or with:" code="./task-runner operations start --help" /></div>`}<//>
    <${Calls} calls=${[{ to: "/v1/operations" }]} commands=${["operations list"]} />`;
}
