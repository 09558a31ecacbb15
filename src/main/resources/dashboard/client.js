import { useState } from "preact/hooks";
import { call, get, path, post, query } from "./api.js";
import { Ask, Shown } from "./parts.js";
import { Calls, Empty, Facts, Field, Foreign, Loaded, Panel, State, Table, Time, Title, bytes, errorAt, go, html, mayChange, number, page, tell, useLive, useQuery } from "./ui.js";

const SCOPES = ["enqueue", "read", "operate"];

function Edit({ client, etag, tiers, close, after }) {
  const limits = client.rate_limit;
  const [mine, setMine] = useState({ tier: client.tier, enabled: client.enabled, max_concurrent: "", requests_per_min: "", max_waiting: client.max_waiting ?? "", max_waiting_bytes: client.max_waiting_bytes ?? "", allowed_queues: (client.allowed_queues || []).join(", ") });
  const set = (name) => (event) => setMine({ ...mine, [name]: event.target.type === "checkbox" ? event.target.checked : event.target.value });
  const save = async () => {
    const own = {};
    for (const name of ["max_concurrent", "requests_per_min"]) if (mine[name] !== "") own[name] = Number(mine[name]);
    const body = {
      client_id: client.client_id, tier: mine.tier, enabled: mine.enabled,
      max_waiting: mine.max_waiting === "" ? null : Number(mine.max_waiting), max_waiting_bytes: mine.max_waiting_bytes === "" ? null : Number(mine.max_waiting_bytes),
      allowed_queues: mine.allowed_queues.trim() ? mine.allowed_queues.split(",").map((each) => each.trim()).filter(Boolean) : null,
      ...(Object.keys(own).length && { rate_limit: own }),
    };
    await call("POST", "/admin/clients/set", { body, headers: { "If-Match": etag } });
    tell("Saved.");
    after();
  };
  const input = (name, label, hint) => (problem) => html`<${Field} label=${label} hint=${hint} error=${errorAt(problem, "/" + name) || errorAt(problem, "/rate_limit/" + name)}><input type="number" min="0" value=${mine[name]} onInput=${set(name)} /><//>`;
  return html`<${Ask} title=${html`Settings of <${Foreign} text=${client.client_id} />`} confirm="Save" does=${save} close=${close}>${(problem) => html`
    ${problem?.status === 412 && html`<div class="note warn">Another user changed this client meanwhile. Nothing was overwritten: close this and look again.</div>`}
    <div class="fields">
      <${Field} label="Tier"><select value=${mine.tier} onChange=${set("tier")}>${tiers.map((each) => html`<option>${each}</option>`)}</select><//>
      <label class="check"><input type="checkbox" checked=${mine.enabled} onChange=${set("enabled")} /> Enabled</label>
      ${input("max_concurrent", "Maximum running", `Empty: unchanged, now ${number(limits.max_concurrent)}`)(problem)}
      ${input("requests_per_min", "Calls per minute", `Empty: unchanged, now ${number(limits.requests_per_min)}`)(problem)}
      ${input("max_waiting", "Maximum unfinished tasks", "Empty: no limit")(problem)}
      ${input("max_waiting_bytes", "Maximum size of their bodies", "Bytes; empty: no limit")(problem)}
      <${Field} wide label="Allowed queues" hint="Separated by commas; empty: all" error=${errorAt(problem, "/allowed_queues")}><input value=${mine.allowed_queues} onInput=${set("allowed_queues")} spellcheck="false" /><//>
    </div>`}<//>`;
}

function NewKey({ id, close, made }) {
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState(SCOPES);
  const flip = (scope) => () => setScopes(scopes.includes(scope) ? scopes.filter((each) => each !== scope) : [...scopes, scope]);
  return html`<${Ask} title="New API key" confirm="Create" close=${close} disabled=${!scopes.length} does=${async () => made(await post(path`/admin/clients/${id}/keys`, { scopes, ...(name && { name }) }))}>
    <${Field} label="Name"><input value=${name} onInput=${(event) => setName(event.target.value)} autocomplete="off" spellcheck="false" /><//>
    <div>${SCOPES.map((each) => html`<label class="check"><input type="checkbox" checked=${scopes.includes(each)} onChange=${flip(each)} /> ${each}</label>`)}</div><//>`;
}

export default function ClientPage() {
  const [{ id = "" }] = useQuery();
  const [asks, setAsks] = useState(null);
  const live = useLive(async (signal) => {
    const [client, keys, tiers, signing] = await Promise.all([
      call("GET", "/admin/clients/get" + query({ client_id: id }), { signal }), get(path`/admin/clients/${id}/keys`, signal), get("/admin/tiers", signal),
      get(path`/admin/clients/${id}/signing-secret`, signal).catch((problem) => (problem.status === 404 ? null : Promise.reject(problem))),
    ]);
    return { client: client.value, etag: client.etag, keys: keys.keys, tiers: Object.keys(tiers.tiers), signing };
  }, id, { every: 5 });
  const { client, keys = [], tiers = [], signing } = live.value || {};
  const close = () => setAsks(null);
  return html`
    <${Title} text=${html`<${Foreign} text=${id} />`} name=${id} sub="A client" live=${live}>${client && mayChange() && html`<button onClick=${() => setAsks({ kind: "edit", ...live.value })}>Edit</button><button class="danger" onClick=${() => setAsks({ kind: "delete" })}>Delete</button>`}<//>
    <${Loaded} live=${live}>${client && html`<div class="grid">
      <${Panel} title=${client.enabled ? "Enabled" : html`<${State} word="dead" text="disabled" />`} side=${html`<a href=${page("tasks", { client_id: id })}>Its tasks</a>`}><${Facts} of=${[
        ["Tier", html`<${Foreign} text=${client.tier} />`], ["Running", number(client.usage.running) + " of " + number(client.rate_limit.max_concurrent)], ["Calls per minute", number(client.rate_limit.requests_per_min)],
        ["Unfinished tasks", number(client.usage.unfinished) + (client.max_waiting === null ? ", no limit" : " of " + number(client.max_waiting))], ["Size of their bodies", bytes(client.usage.unfinished_bytes) + (client.max_waiting_bytes === null ? ", no limit" : " of " + bytes(client.max_waiting_bytes))],
        ["Queues", client.allowed_queues ? html`<${Foreign} text=${client.allowed_queues.join(", ")} />` : "all"], ["Created", html`<${Time} at=${client.created_at} />`], ["Updated", html`<${Time} at=${client.updated_at} />`]]} /><//>
      <${Panel} title="Signing secret" side=${mayChange() && html`<button class="small" onClick=${() => setAsks({ kind: "sign" })}>${signing ? "Rotate" : "Sign requests"}</button>`}>${signing
        ? html`<${Facts} of=${[["Type", signing.type], signing.public_key && ["Public key", html`<code class="break">${signing.public_key}</code>`], ["Created", html`<${Time} at=${signing.created_at} />`], signing.previous_valid_until && ["The earlier one signs until", html`<${Time} at=${signing.previous_valid_until} whole />`]]} />`
        : html`<p class="soft">The requests of this client's tasks are not signed.</p>`}<//>
      </div>
      <div class="title"><div><h2>API keys</h2></div><div class="actions">${mayChange() && html`<button class="small" onClick=${() => setAsks({ kind: "key" })}>New key</button>`}</div></div>
      ${keys.length
        ? html`<${Table} caption="API keys" rows=${keys} keyOf=${(each) => each.key_id} columns=${[
            { name: "Name", head: true, cell: (each) => html`<${Foreign} text=${each.name || each.key_id.slice(0, 8)} />` }, { name: "Scopes", cell: (each) => each.scopes.join(", ") }, { name: "Created", cell: (each) => html`<${Time} at=${each.created_at} />` },
            ...(mayChange() ? [{ name: "Action", cell: (each) => html`<button class="small danger" onClick=${() => setAsks({ kind: "revoke", key: each })}>Revoke</button>` }] : [])]} />`
        : html`<div class="panel"><${Empty} title="No API key" text="Without a key this client authenticates with its id only, if the server permits that." /></div>`}`}<//>
    <${Calls} calls=${[{ to: "/admin/clients/get" + query({ client_id: id }) }, { to: path`/admin/clients/${id}/keys` }]} commands=${["clients show " + id, "keys list " + id]} />
    ${asks?.kind === "edit" && html`<${Edit} client=${asks.client} etag=${asks.etag} tiers=${tiers} close=${close} after=${live.again} />`}
    ${asks?.kind === "key" && html`<${NewKey} id=${id} close=${() => setAsks((now) => (now?.kind === "key" ? null : now))} made=${(key) => { setAsks({ kind: "shown", name: key.name || key.key_id, value: key.key }); live.again(); }} />`}
    ${asks?.kind === "shown" && html`<${Shown} name=${asks.name} value=${asks.value} close=${close} />`}
    ${asks?.kind === "sign" && html`<${Ask} title=${signing ? "Rotate the signing secret" : "Sign the requests of this client's tasks"} confirm=${signing ? "Rotate" : "Create a secret"} close=${() => setAsks((now) => (now?.kind === "sign" ? null : now))}
      does=${async () => { const made = (await call("PUT", path`/admin/clients/${id}/signing-secret`, { body: signing ? { type: signing.type } : {} })).value; setAsks({ kind: "shown", name: "of signatures", value: made.secret }); live.again(); }}><p>${signing ? "The present secret signs too for 24 hours, so that receivers can switch." : "Each request is signed (Standard Webhooks). The secret is shown once."}</p><//>`}
    ${asks?.kind === "revoke" && html`<${Ask} title="Revoke this key" confirm="Revoke" danger close=${close} does=${async () => { await call("DELETE", path`/admin/clients/${id}/keys/${asks.key.key_id}`); tell("Revoked."); live.again(); }}><p>Calls with it are rejected within a second.</p><//>`}
    ${asks?.kind === "delete" && html`<${Ask} title=${html`Delete the client <${Foreign} text=${id} />`} confirm="Delete the client" danger word=${id} close=${close} does=${async () => { await call("DELETE", "/admin/clients/delete" + query({ client_id: id })); tell("Deleted."); go(page("clients")); }}><p>Its waiting tasks are cancelled, and its keys are revoked. That cannot be undone.</p><//>`}`;
}
