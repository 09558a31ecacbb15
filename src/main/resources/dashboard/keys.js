import { useState } from "preact/hooks";
import { call, get, path, post } from "./api.js";
import { Ask, Do, Shown } from "./parts.js";
import { Calls, Empty, Field, Foreign, Loaded, Table, Time, Title, errorAt, html, mayChange, tell, useLive } from "./ui.js";

function NewKey({ close, made }) {
  const [name, setName] = useState("");
  const [readOnly, setReadOnly] = useState(true);
  const make = async () => made(await post("/admin/keys", { name, read_only: readOnly }));
  return html`<${Ask} title="New admin key" confirm="Create" does=${make} close=${close} disabled=${!name}>${(problem) => html`<div class="fields">
    <${Field} label="Name" hint="1 to 64 of A-Z a-z 0-9 _ -" error=${errorAt(problem, "/name")}><input value=${name} onInput=${(event) => setName(event.target.value.trim())} autocomplete="off" spellcheck="false" required /><//>
    <label class="check"><input type="checkbox" checked=${readOnly} onChange=${(event) => setReadOnly(event.target.checked)} /> Read only</label></div>`}<//>`;
}

export default function Keys() {
  const [asks, setAsks] = useState(null);
  const live = useLive(async (signal) => {
    const [keys, sessions] = await Promise.all([get("/admin/keys", signal), get("/v1/sessions", signal)]);
    return { keys: keys.keys, sessions: sessions.sessions };
  }, "keys", { every: 5 });
  const { keys = [], sessions = [] } = live.value || {};
  const open = (name) => sessions.filter((each) => each.key === name).length;
  return html`
    <${Title} text="Admin keys" live=${live}>${mayChange() && html`<button onClick=${() => setAsks({ kind: "new" })}>New key</button>`}<//>
    <${Loaded} live=${live}>
      ${keys.length
        ? html`<${Table} caption="Admin keys" rows=${keys} keyOf=${(each) => each.name + each.created_at} columns=${[
            { name: "Name", head: true, cell: (each) => html`<${Foreign} text=${each.name} />` },
            { name: "May", cell: (each) => (each.read_only ? "read only" : "do everything") },
            { name: "Created", cell: (each) => html`<${Time} at=${each.created_at} />` },
            { name: "Ends", cell: (each) => (each.ends_at ? html`<${Time} at=${each.ends_at} />` : "never") },
            { name: "Sessions", num: true, cell: (each) => open(each.name) },
            ...(mayChange() ? [{ name: "Action", cell: (each) => html`<button class="small danger" aria-label=${"Revoke " + each.name} onClick=${() => setAsks({ kind: "revoke", name: each.name })}>Revoke</button>` }] : []),
          ]} />`
        : html`<div class="panel"><${Empty} title="No named admin key" text="Give each person and each program a key of its own: it can be read-only, be revoked alone, and its name is in the audit log." /></div>`}
      <div class="title"><div><h2>Open sessions of the dashboard</h2></div></div>
      ${sessions.length
        ? html`<${Table} caption="Open sessions of the dashboard" rows=${sessions} keyOf=${(each) => each.id} columns=${[
            { name: "Key", head: true, cell: (each) => html`<${Foreign} text=${each.key} />` },
            { name: "Begun", cell: (each) => html`<${Time} at=${each.created_time} />` },
            { name: "Last used", cell: (each) => html`<${Time} at=${each.used_time} />` },
            ...(mayChange() ? [{ name: "Action", cell: (each) => html`<${Do} class="small" aria-label=${"End the session of " + each.key} said="Ended." after=${live.again} does=${() => call("DELETE", path`/v1/sessions/${each.id}`)}>End<//>` }] : []),
          ]} />`
        : html`<div class="panel"><${Empty} title="No session is open" text="Sessions begin when a key is used to sign in here." /></div>`}<//>
    <${Calls} calls=${[{ to: "/admin/keys" }, { to: "/v1/sessions" }]} commands=${["keys admin list"]} />
    ${asks?.kind === "new" && html`<${NewKey} close=${() => setAsks((now) => (now?.kind === "new" ? null : now))} made=${(key) => { setAsks({ kind: "shown", ...key }); live.again(); }} />`}
    ${asks?.kind === "shown" && html`<${Shown} name=${asks.name} value=${asks.key} close=${() => setAsks(null)} />`}
    ${asks?.kind === "revoke" && html`<${Ask} title=${html`Revoke the key <${Foreign} text=${asks.name} />`} confirm="Revoke" danger close=${() => setAsks(null)} does=${async () => { await call("DELETE", path`/admin/keys/${asks.name}`); tell("Revoked."); live.again(); }}><p>Calls with it are rejected within a second, and its ${open(asks.name)} sessions end.</p><//>`}`;
}
