import { useState } from "preact/hooks";
import { get, post } from "./api.js";
import { ACTIONS, Ask, Condition, Count, Failures, History, Progress, Spark, cause, holds } from "./parts.js";
import { Calls, Foreign, Loaded, Panel, Short, State, Table, Time, Title, duration, html, mayChange, number, page, tell, useLive } from "./ui.js";

const NAME = document.querySelector("meta[name=installation]").content || "task-runner";

const Card = ({ label, value, more, href, tone }) => html`<${href ? "a" : "div"} class="card" href=${href}><span class="label">${label}</span><span class=${"value " + (tone || "")}>${value}</span>${more && html`<span class="more">${more}</span>`}<//>`;

/** The queues that need a look: paused, late, or with dead tasks; those that wait longest first. */
const looks = (queues) => queues.filter((each) => each.paused || each.stats.ready > 0 || each.stats.dead > 0 || each.stats.active > 0);

function Switch({ paused, close, after }) {
  const act = async () => {
    await post("/admin/dispatch/" + (paused ? "resume" : "pause"));
    tell(paused ? "Everything is resumed." : "Everything is paused. Running attempts finish.");
    after();
  };
  return html`<${Ask} title=${paused ? "Resume everything" : "Pause everything"} confirm=${paused ? "Resume" : "Pause"} danger=${!paused} word=${paused ? null : NAME} does=${act} close=${close}>
    <p>${paused ? "All queues that are not paused themselves start tasks again." : "No queue starts a task until everything is resumed. Running attempts finish, and tasks are still accepted."}</p><//>`;
}

export default function Overview() {
  const [asks, setAsks] = useState(false);
  const live = useLive((signal) => get("/v1/overview", signal), "overview");
  const of = live.value;
  const sum = of?.totals;
  const busy = of && of.workers.slots ? Math.round((100 * of.workers.running) / of.workers.slots) : 0;
  return html`
    <${Title} text="Overview" live=${{ ...live, at: of ? Date.parse(of.time) : 0 }}>${of && mayChange() && html`<button class=${of.paused ? "main" : ""} onClick=${() => setAsks(true)}>${of.paused ? "Resume everything" : "Pause everything"}</button>`}<//>
    <${Loaded} live=${live} rows=${8}>${of && html`
      ${of.paused && html`<div class="note bad" role="status"><b>Everything is paused.</b> No queue starts a task.</div>`}
      ${of.workers.alive === 0 && html`<div class="note bad" role="status"><b>No worker is alive.</b> Tasks are accepted, and wait.</div>`}
      ${of.warnings.map((each) => html`<div class="note warn"><${Foreign} text=${each} /></div>`)}
      <div class="cards">
        <${Card} label="Ready" value=${html`<${Short} value=${sum.ready} />`} href=${page("tasks", { state: "ready" })} more=${sum.ready ? "oldest " + duration(sum.oldest_ready_age_sec * 1000) : "none waits"} />
        <${Card} label="Active" value=${html`<${Short} value=${sum.active} />`} href=${page("tasks", { state: "active" })} tone=${sum.active ? "live" : ""} more=${`${busy} % of ${number(of.workers.slots)} slots`} />
        <${Card} label="Scheduled" value=${html`<${Short} value=${sum.scheduled} />`} href=${page("tasks", { state: "scheduled" })} />
        <${Card} label="Retrying" value=${html`<${Short} value=${sum.retry} />`} href=${page("tasks", { state: "retry" })} tone=${sum.retry ? "warn" : ""} />
        <${Card} label="Dead" value=${html`<${Short} value=${sum.dead} />`} href=${page("dead")} tone=${sum.dead ? "bad" : ""} />
        <${Card} label="Workers" value=${number(of.workers.alive)} href=${page("system")} tone=${of.workers.alive ? "" : "bad"} more=${`${number(of.workers.slots)} slots`} />
        <${Card} label="Last minute" value=${number(of.last_minute.succeeded)} more=${`succeeded, ${number(of.last_minute.failed)} failed`} />
      </div>
      <${History} given=${of.series} />
      <h2 class="sr">Queues that need a look</h2>
      ${looks(of.queues).length
        ? html`<${Table} caption="Queues that are paused, busy, or have dead tasks" rows=${looks(of.queues)} keyOf=${(each) => each.name} columns=${[
            { name: "Queue", head: true, cell: (each) => html`<a href=${page("queue", { name: each.name })}><${Foreign} text=${each.name} /></a>` },
            { name: "Ready", num: true, cell: (each) => html`<${Count} value=${each.stats.ready} queue=${each.name} state="ready" />` },
            { name: "Oldest ready", num: true, cell: (each) => (each.stats.ready ? duration(each.stats.oldest_ready_age_sec * 1000) : "–") },
            { name: "Active", num: true, cell: (each) => html`<${Count} value=${each.stats.active} queue=${each.name} state="active" />` },
            { name: "Retrying", num: true, cell: (each) => html`<${Count} value=${each.stats.retry} queue=${each.name} state="retry" />` },
            { name: "Dead", num: true, cell: (each) => html`<${Count} value=${each.stats.dead} queue=${each.name} state="dead" tone="bad" />` },
            { name: "Attempts, 30 min", cell: (each) => html`<${Spark} values=${each.ended_per_minute} />` },
            { name: "Held by", cell: (each) => (of.paused && each.stats.ready ? html`<${State} word="paused" text="everything is paused" />` : !of.workers.alive && each.stats.ready ? html`<span class="bad">no workers</span>` : holds(each)) },
          ]} foot=${html`<a href=${page("queues")}>All ${number(of.queue_count)} queues</a>`} />`
        : html`<${Panel} title="Queues"><p class="soft">No queue is busy, paused, or has dead tasks. <a href=${page("queues")}>All ${number(of.queue_count)} queues</a></p><//>`}
      <div class="grid">
        <${Panel} title="Why tasks died" side=${html`<a href=${page("dead")}>All</a>`}>${of.causes.length
          ? html`<table><caption class="sr">Causes of death</caption><thead><tr><th scope="col">Cause</th><th scope="col">Host</th><th scope="col" class="num">Tasks</th></tr></thead><tbody>${of.causes.map((each) => html`<tr>
              <th scope="row"><a href=${page("dead", { queue: each.queue, host: each.host, cause: each.error })}>${cause(each.error)}</a></th><td><${Foreign} text=${each.host} /></td><td class="num bad">${number(each.count)}</td></tr>`)}</tbody></table>`
          : html`<p class="soft">No task is dead.</p>`}<//>
        <${Panel} title="Open circuit breakers" side=${html`<a href=${page("hosts")}>Hosts</a>`}>${of.breakers.length
          ? html`<table><caption class="sr">Open circuit breakers</caption><thead><tr><th scope="col">Host</th><th scope="col" class="wide-only">Since</th><th scope="col">Next probe</th><th scope="col" class="num">Waiting</th></tr></thead><tbody>${of.breakers.map((each) => html`<tr>
              <th scope="row"><${Foreign} text=${each.host} /></th><td class="wide-only"><${Time} at=${each.opened_time} /></td><td>${each.next_probe_time ? html`<${Time} at=${each.next_probe_time} />` : "is probed"}</td><td class="num">${number(each.waiting)}</td></tr>`)}</tbody></table>`
          : html`<p class="soft">All hosts are reachable.</p>`}<//>
        <${Failures} of=${of.failures.slice(0, 10)} />
        ${of.operations.length > 0 && html`<${Panel} title="Running operations"><table><caption class="sr">Running operations</caption><thead><tr><th scope="col">Operation</th><th scope="col">State</th><th scope="col" class="num">Tasks</th></tr></thead><tbody>${of.operations.map((each) => html`<tr>
          <th scope="row"><a href=${page("operation", { id: each.operation_id })}>${ACTIONS[each.action].title}${each.dry_run ? " (trial)" : ""}</a></th><td><${Condition} of=${each} /></td><td class="num"><${Progress} of=${each} /></td></tr>`)}</tbody></table><//>`}
      </div>`}<//>
    <${Calls} calls=${[{ to: "/v1/overview" }]} commands=${["watch", "series", "failures"]} />
    ${asks && html`<${Switch} paused=${of.paused} close=${() => setAsks(false)} after=${live.again} />`}`;
}
