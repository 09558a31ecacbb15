import { useState } from "preact/hooks";
import { call, get, now, path } from "./api.js";
import { Ask, Condition, ACTIONS, inWords, Operate } from "./parts.js";
import { Calls, Facts, Foreign, Loaded, Panel, Time, Title, duration, html, isAdmin, may, number, page, tell, useLive, useQuery } from "./ui.js";

/** Who began it, as the audit log has it. */
function Began({ id }) {
  const live = useLive((signal) => get("/admin/audit?what=operation&limit=1000", signal), id, { until: () => true });
  const entry = live.value?.entries.find((each) => each.details.operation_id === id && each.what === "operation started");
  return entry ? html`<${Foreign} text=${entry.who} />` : html`<span class="soft">a client, or no longer logged</span>`;
}

export default function OperationPage() {
  const [{ id = "" }] = useQuery();
  const [asks, setAsks] = useState(null);
  const live = useLive((signal) => get(path`/v1/operations/${id}`, signal), id, { until: (each) => each.state !== "running" });
  const of = live.value;
  const seen = of && of.done + of.failed + of.skipped;
  const took = of && (of.finished_time ? Date.parse(of.finished_time) : now()) - Date.parse(of.created_time);
  const left = of?.total && seen && of.state === "running" ? ((of.total - seen) * took) / seen : null;
  const stop = async () => {
    await call("DELETE", path`/v1/operations/${id}`);
    tell("Stopped.");
    live.again();
  };
  return html`
    <${Title} text=${of ? ACTIONS[of.action].title + (of.dry_run ? " (trial)" : "") : "Operation"} name=${"Operation " + id} sub=${html`<span class="mono break">${id}</span>`} live=${live}>
      ${of?.state === "running" && may("operate") && html`<button class="danger" onClick=${() => setAsks("stop")}>Stop</button>`}
      ${of?.dry_run && of.state !== "running" && may("operate") && html`<button class="main" onClick=${() => setAsks("real")}>The same for real…</button>`}
    <//>
    <${Loaded} live=${live}>${of && html`
      <${Panel} title=${html`<${Condition} of=${of} />`} side=${html`<span class="soft">${number(seen)}${of.total !== null ? " of " + number(of.total) : ""} tasks</span>`}>
        <progress aria-label="Progress" max=${of.total ?? undefined} value=${of.total === null && of.state === "running" ? undefined : seen || (of.total === 0 ? 1 : 0)} />
        ${of.error && html`<p class="bad">${of.error}</p>`}
        <${Facts} of=${[
          ["Tasks with", html`<a href=${page("tasks", of.filter)}>${inWords(of.filter)}</a>`],
          [of.dry_run ? "Would be changed" : "Changed", number(of.done)],
          ["Not permitted", of.failed ? html`<span class="bad">${number(of.failed)}</span> <span class="soft">their client was deleted or may not use the queue, or it is full</span>` : "0"],
          ["Unreadable", number(of.skipped)],
          ["Pace", of.per_sec ? number(of.per_sec) + " per second" : "as fast as Redis permits"],
          of.to_queue && ["To queue", html`<${Foreign} text=${of.to_queue} />`],
          ["Begun", html`<${Time} at=${of.created_time} whole />`],
          ["Begun by", isAdmin() ? html`<${Began} id=${id} />` : "this client"],
          of.finished_time ? ["Took", duration(took)] : ["Remaining", left === null ? "not known" : "about " + duration(left)],
          of.sample.length > 0 && ["For example", of.sample.map((each) => html`<a class="mono" href=${page("task", { id: each })}>${each}</a><br />`)],
        ]} />
      <//>`}<//>
    <${Calls} calls=${[{ to: path`/v1/operations/${id}` }]} commands=${["operations show " + id]} />
    ${asks === "stop" && html`<${Ask} title="Stop this operation" confirm="Stop" danger does=${stop} close=${() => setAsks(null)}><p>Tasks that it has changed stay changed.</p><//>`}
    ${asks === "real" && html`<${Operate} action=${of.action} filter=${of.filter} close=${() => setAsks(null)} />`}`;
}
