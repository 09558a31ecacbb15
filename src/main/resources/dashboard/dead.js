import { get, query } from "./api.js";
import { Labels, Operates, Target, cause, ofCause } from "./parts.js";
import { Calls, Empty, Foreign, Loaded, Table, Time, Title, html, number, page, useLive, useQuery } from "./ui.js";

const ROWS = 50;

/** The dead tasks of one cause, the newest first. */
function Chosen({ filter }) {
  const live = useLive((signal) => get("/v1/tasks" + query({ ...filter, view: "basic", limit: ROWS }), signal), filter, { every: 10 });
  const rows = live.value?.tasks || [];
  return html`<div class="title"><div><h2>${number(rows.length)}${live.value?.next_cursor ? "+" : ""} tasks of this cause, the newest first</h2></div>
      <div class="actions"><${Operates} filter=${{ ...filter, ...(filter.status && { status: Number(filter.status) }) }} actions=${["retry", "move", "delete"]} /></div></div>
    <${Loaded} live=${live}><${Table} caption="Dead tasks of this cause" rows=${rows} keyOf=${(each) => each.task_id} columns=${[
      { name: "Task", head: true, cell: (each) => html`<a class="mono nowrap" href=${page("task", { id: each.task_id })}>${each.task_id.slice(0, 8)}…${each.task_id.slice(24, 32)}</a>` },
      { name: "Request", cell: (each) => html`<${Target} request=${each.request} />` },
      { name: "Client", cell: (each) => html`<${Foreign} text=${each.client_id} />` },
      { name: "Died", cell: (each) => html`<${Time} at=${each.finished_time} />` },
      { name: "Attempts", num: true, cell: (each) => each.attempt_count },
      { name: "Labels", cell: (each) => html`<${Labels} labels=${each.labels} />` },
    ]} foot=${live.value?.next_cursor && html`<a href=${page("tasks", filter)}>All of them</a>`} /><//>`;
}

export default function Dead() {
  const [values, change] = useQuery();
  const live = useLive((signal) => get("/v1/dead/summary", signal), "dead", { every: 5 });
  const { total = 0, groups = [] } = live.value || {};
  const isChosen = (each) => each.queue === values.queue && each.host === values.host && each.error === values.cause;
  const filter = values.queue && { queue: values.queue, state: "dead", ...(values.host !== "other" && { host: values.host }), ...ofCause(values.cause || "other") };
  return html`
    <${Title} text="Dead tasks" sub=${live.value ? `${number(total)} in all queues, by cause` : null} live=${live}>
      ${filter && html`<a class="button small" href=${page("dead")}>All causes</a>`}
    <//>
    <${Loaded} live=${live}>${groups.length
      ? html`<${Table} caption="Causes of death, the most frequent first" rows=${filter ? groups.filter(isChosen) : groups} keyOf=${(each) => [each.queue, each.host, each.error].join(" ")} columns=${[
          { name: "Cause", head: true, cell: (each) => html`<a href=${page("dead", { queue: each.queue, host: each.host, cause: each.error })}>${cause(each.error)}</a>` },
          { name: "Host", cell: (each) => html`<${Foreign} text=${each.host} />` },
          { name: "Queue", cell: (each) => html`<a href=${page("queue", { name: each.queue })}><${Foreign} text=${each.queue} /></a>` },
          { name: "Tasks", num: true, cell: (each) => html`<b class="bad">${number(each.count)}</b>` },
          { name: "Share", num: true, cell: (each) => Math.round((1000 * each.count) / total) / 10 + " %" },
        ]} foot=${groups.length === 100 ? "The 100 most frequent causes." : null} />`
      : html`<div class="panel"><${Empty} title="No task is dead" text="Tasks whose retries are used up, and that were rejected permanently, appear here by cause." /></div>`}<//>
    ${filter && html`<${Chosen} filter=${filter} />`}
    <${Calls} calls=${[{ to: "/v1/dead/summary" }, ...(filter ? [{ to: "/v1/tasks" + query({ ...filter, view: "basic" }) }] : [])]} commands=${values.queue ? ["dead summary " + values.queue] : []} />`;
}
