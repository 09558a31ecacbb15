import { useEffect, useState } from "preact/hooks";
import { call, query } from "./api.js";
import { Ask } from "./parts.js";
import { Calls, Fault, Field, Foreign, Loaded, Panel, Title, html, mayChange, number, tell, useLive } from "./ui.js";

const YAML = { "Content-Type": "application/yaml" };

/** All of the configuration as YAML, and its tag. */
const load = (signal) => call("GET", "/admin/config?format=yaml", { signal, headers: { Accept: "application/yaml" } });

function Changes({ of }) {
  return html`<table><caption class="sr">Changes</caption><thead><tr><th scope="col">Kind</th><th scope="col">Created</th><th scope="col">Updated</th><th scope="col">Deleted</th><th scope="col" class="num">Unchanged</th></tr></thead><tbody>${Object.entries(of).map(([kind, each]) => html`<tr>
    <th scope="row">${kind}</th>${["created", "updated", "deleted"].map((name) => html`<td class=${name === "deleted" && each[name].length ? "bad" : ""}><${Foreign} text=${each[name].join(", ") || "–"} /></td>`)}<td class="num">${number(each.unchanged)}</td></tr>`)}</tbody></table>`;
}

export default function Config() {
  const live = useLive(load, "config", { until: () => true });
  const [text, setText] = useState(null);
  const [prune, setPrune] = useState(false);
  const [trial, setTrial] = useState(null);
  const [problem, setProblem] = useState(null);
  const [asks, setAsks] = useState(false);
  useEffect(() => {
    if (live.value && text === null) setText(live.value.value);
  }, [live.value]);
  const edit = (value) => {
    setText(value);
    setTrial(null);
  };
  const send = (dry) => call("POST", "/admin/config" + query({ dry_run: dry || undefined, prune: prune || undefined }), { body: text, headers: { ...YAML, ...(live.value.etag && { "If-Match": live.value.etag }) } });
  const test = async () => {
    setProblem(null);
    try {
      setTrial((await send(true)).value.changes);
    } catch (failure) {
      setProblem(failure);
    }
  };
  const apply = async () => {
    await send(false);
    tell("Applied.");
    setTrial(null);
    setText(null);
    live.again();
  };
  const download = () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([live.value.value], { type: "text/plain" }));
    link.download = "task-runner.yaml";
    link.click();
    URL.revokeObjectURL(link.href);
  };
  const deleted = trial ? Object.values(trial).reduce((sum, each) => sum + each.deleted.length, 0) : 0;
  return html`
    <${Title} text="Configuration" sub="Queues, tiers, clients, hosts and schedules as one document" live=${live}>${live.value && html`<button onClick=${download}>Download</button>`}<//>
    <${Loaded} live=${live}>${text !== null && html`
      <${Field} label="YAML"><textarea rows="24" spellcheck="false" readonly=${!mayChange()} value=${text} onInput=${(event) => edit(event.target.value)} /><//>
      ${mayChange() && html`<p class="actions"><label class="check"><input type="checkbox" checked=${prune} onChange=${(event) => { setPrune(event.target.checked); setTrial(null); }} /> Delete what the document leaves out</label>
        <button onClick=${test}>Show what would change</button><button class="main" disabled=${!trial} onClick=${() => setAsks(true)}>Apply…</button><button class="quiet" onClick=${() => { setText(null); setTrial(null); live.again(); }}>Read again</button></p>`}
      <${Fault} problem=${problem} key=${problem} />
      ${trial && html`<${Panel} title="What would change" plain><${Changes} of=${trial} /><//>`}`}<//>
    <${Calls} calls=${[{ to: "/admin/config?format=yaml" }]} commands=${["config export", "config apply --dry-run task-runner.yaml"]} />
    ${asks && html`<${Ask} title="Apply this configuration" confirm="Apply" danger=${deleted > 0} word=${deleted > 0 ? deleted : null} wordFor="the number that is deleted" does=${apply} close=${() => setAsks(false)}><p>${deleted ? `${number(deleted)} objects are deleted.` : "Nothing is deleted."} If something changed since this page was opened, nothing is applied.</p><//>`}`;
}
