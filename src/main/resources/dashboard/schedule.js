import { useEffect, useState } from "preact/hooks";
import { call, path, post } from "./api.js";
import { Ask, Do, rhythm } from "./parts.js";
import { Calls, Facts, Field, Foreign, Loaded, Panel, Table, Time, Title, absolute, go, html, mayChange, number, page, tell, useLive, useQuery, visible } from "./ui.js";

/** Members of an answer that cannot be set. */
const RESULTS = ["name", "paused", "next_time", "next_times", "last_task_id", "last_time", "missed", "runs", "created_time", "updated_time", "warnings"];
const FRESH = { client_id: "my-service", cron: "30 2 * * *", time_zone: "Europe/Berlin", task: { url: "https://api.example.com/nightly" } };

/** The next runs of settings that are being edited, when they can be read. */
function Preview({ text }) {
  const [shown, setShown] = useState(null);
  useEffect(() => {
    let left = false;
    const timer = setTimeout(async () => {
      try {
        const { cron, interval_sec, time_zone } = JSON.parse(text);
        const value = await post("/v1/schedules/preview", { cron, interval_sec, time_zone });
        if (!left) setShown({ ...value, zone: time_zone });
      } catch (problem) {
        if (!left) setShown({ problem });
      }
    }, 300);
    return () => {
      left = true;
      clearTimeout(timer);
    };
  }, [text]);
  if (!shown) return null;
  if (shown.problem) return html`<div class="note" role="status"><span class="bad">${visible(shown.problem.message)}</span></div>`;
  return html`<div class="note" role="status"><b>Next runs</b><ol>${shown.next_times.map((each) => html`<li>${absolute(each)}${shown.zone && shown.zone !== "UTC" && html` <span class="soft">· ${absolute(each, shown.zone)}</span>`}</li>`)}</ol>
    ${shown.warnings.map((each) => html`<p class="warn">${visible(each)}</p>`)}</div>`;
}

function Edit({ name, value, etag, close, after }) {
  const [called, setCalled] = useState(name);
  const settings = Object.fromEntries(Object.entries(value).filter(([each, is]) => !RESULTS.includes(each) && is !== null));
  const [text, setText] = useState(JSON.stringify(settings, null, 2));
  const save = async () => {
    await call("PUT", path`/v1/schedules/${called}`, { body: JSON.parse(text), headers: etag ? { "If-Match": etag } : { "If-None-Match": "*" } });
    tell("Saved.");
    after(called);
  };
  return html`<${Ask} title=${name ? html`Settings of <${Foreign} text=${name} />` : "New schedule"} confirm="Save" does=${save} close=${close} disabled=${!called}>${(problem) => html`
    ${problem?.status === 412 && html`<div class="note warn">${etag ? "Another user changed this schedule meanwhile. Nothing was overwritten: close this and look again." : "A schedule of this name exists."}</div>`}
    ${!name && html`<${Field} label="Name"><input value=${called} onInput=${(event) => setCalled(event.target.value.trim())} spellcheck="false" autocomplete="off" required /><//>`}
    <${Field} label="Settings" hint="JSON, as in the API: cron with time_zone or interval_sec, task, overlap, catch_up, jitter_sec, queue, retry"><textarea rows="16" spellcheck="false" value=${text} onInput=${(event) => setText(event.target.value)} /><//>
    <${Preview} text=${text} />`}<//>`;
}

export default function SchedulePage() {
  const [{ name = "" }] = useQuery();
  const [asks, setAsks] = useState(name ? null : { kind: "edit", value: FRESH });
  const live = useLive((signal) => (name ? call("GET", path`/v1/schedules/${name}`, { signal }) : { value: null, etag: null }), name);
  const of = live.value?.value;
  const act = (what) => () => post(path`/v1/schedules/${name}/` + what);
  return html`
    <${Title} text=${name ? html`<${Foreign} text=${name} />` : "New schedule"} name=${name || "New schedule"} sub=${of && rhythm(of)} live=${name ? live : null}>${of && mayChange() && html`
      <${Do} class="main" does=${async () => go(page("task", { id: (await act("run")()).task_id }))} said="It runs now.">Run now<//>
      <${Do} does=${act(of.paused ? "resume" : "pause")} said=${of.paused ? "Resumed." : "Paused."} after=${live.again}>${of.paused ? "Resume" : "Pause"}<//>
      <button onClick=${() => setAsks({ kind: "edit", ...live.value })}>Edit</button><button class="danger" onClick=${() => setAsks({ kind: "delete" })}>Delete</button>`}<//>
    <${Loaded} live=${live}>${of && html`
      ${of.paused && html`<div class="note warn"><b>This schedule is paused.</b></div>`}
      ${(of.warnings || []).map((each) => html`<div class="note warn"><${Foreign} text=${typeof each === "string" ? each : each.detail} /></div>`)}
      <div class="grid">
        <${Panel} title="Next runs">${of.next_times?.length ? html`<ol>${of.next_times.map((each) => html`<li>${absolute(each)}${of.time_zone && of.time_zone !== "UTC" && html` <span class="soft">· ${absolute(each, of.time_zone)}</span>`}</li>`)}</ol>` : html`<p class="soft">None.</p>`}<//>
        <${Panel} title="Settings"><${Facts} of=${[["Client", html`<${Foreign} text=${of.client_id} />`], ["Queue", html`<a href=${page("queue", { name: of.queue })}><${Foreign} text=${of.queue} /></a>`], ["Request", html`<span class="mono">${of.task.method} <${Foreign} text=${of.task.url} /></span>`], ["Overlapping runs", of.overlap], ["Missed runs", of.catch_up], ["Jitter", of.jitter_sec + " s"], ["Missed so far", number(of.missed)]]} /><//>
      </div>
      ${of.runs.length > 0 && html`<${Table} caption="The last runs" rows=${of.runs} keyOf=${(each) => each.scheduled_time || each.time} columns=${[
        { name: "Run", head: true, cell: (each) => html`<${Time} at=${each.scheduled_time || each.time} whole />` },
        { name: "Result", cell: (each) => html`<${Foreign} text=${(each.result || "").replaceAll("_", " ")} />` },
        { name: "Task", cell: (each) => each.task_id && html`<a class="mono" href=${page("task", { id: each.task_id })}>${each.task_id}</a>` }]} />`}`}<//>
    ${name && html`<${Calls} calls=${[{ to: path`/v1/schedules/${name}` }]} commands=${["schedules show " + name]} />`}
    ${asks?.kind === "edit" && html`<${Edit} name=${name} value=${asks.value} etag=${asks.etag} close=${() => (name ? setAsks(null) : go(page("schedules")))} after=${(called) => (name ? live.again() : go(page("schedule", { name: called }), true))} />`}
    ${asks?.kind === "delete" && html`<${Ask} title=${html`Delete <${Foreign} text=${name} />`} confirm="Delete the schedule" danger word=${name} close=${() => setAsks(null)} does=${async () => { await call("DELETE", path`/v1/schedules/${name}`); tell("Deleted."); go(page("schedules")); }}><p>Tasks that it has created are kept.</p><//>`}`;
}
