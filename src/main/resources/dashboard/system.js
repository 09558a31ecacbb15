import { HOME, get } from "./api.js";
import { Calls, Empty, Facts, Foreign, Loaded, Panel, State, Table, Time, Title, duration, html, number, useLive } from "./ui.js";

export default function System() {
  const live = useLive(async (signal) => {
    const [health, workers] = await Promise.all([get("/health/detailed", signal), get("/admin/workers", signal)]);
    return { health, workers: workers.workers };
  }, "system");
  const { health, workers = [] } = live.value || {};
  const checks = Object.entries(health || {}).filter(([, each]) => typeof each?.healthy === "boolean");
  const clear = location.protocol === "http:" && !["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
  return html`
    <${Title} text="System" live=${live}><a class="button" href=${HOME + "docs"} target="_blank" rel="noopener">API documentation</a><//>
    <${Loaded} live=${live}>${health && html`
      ${clear && html`<div class="note warn">This page was loaded without TLS: keys and bodies can be read on the network.</div>`}
      ${(health.warnings || []).map((each) => html`<div class="note warn"><${Foreign} text=${each} /></div>`)}
      <div class="title"><div><h2>Workers</h2></div></div>
      ${workers.length
        ? html`<${Table} caption="Workers" rows=${workers} keyOf=${(each) => each.id} columns=${[
            { name: "Host", head: true, cell: (each) => html`<${Foreign} text=${each.host} />` },
            { name: "State", cell: (each) => html`<${State} word=${!each.alive ? "dead" : each.stopping ? "paused" : "running"} text=${!each.alive ? "lost" : each.stopping ? "stopping" : "alive"} />` },
            { name: "Running", num: true, cell: (each) => html`${number(each.running)} of ${number(each.slots)}` },
            { name: "Version", cell: (each) => each.version }, { name: "Started", cell: (each) => html`<${Time} at=${each.started_time} />` }, { name: "Last heartbeat", cell: (each) => html`<${Time} at=${each.last_heartbeat} />` },
            { name: "Id", cell: (each) => html`<code>${each.id}</code>` }]} />`
        : html`<div class="panel"><${Empty} title="No worker" text="Tasks wait until a worker starts: a process with MODE=worker or MODE=both." /></div>`}
      <div class="grid">
        <${Panel} title="This process"><${Facts} of=${[["State", health.status.replaceAll("_", " ")], ["Mode", health.mode], ["Version", health.version], ["Commit", html`<code>${health.commit}</code>`], ["Built", html`<${Time} at=${health.build_time} whole />`]]} /><//>
        <${Panel} title="Redis"><${Facts} of=${health.redis ? [["Topology", health.redis.topology], ["Role", health.redis.role], ["Round trip", duration(health.redis.latency_ms)]] : [["State", "not reachable"]]} /><//>
        ${checks.length > 0 && html`<${Panel} title="Checks"><${Facts} of=${checks.map(([name, each]) => [name.replaceAll("_", " "), html`${each.healthy ? "" : html`<b class="bad">failed: </b>`}<${Foreign} text=${each.detail} />`])} /><//>`}
      </div>`}<//>
    <${Calls} calls=${[{ to: "/health/detailed" }, { to: "/admin/workers" }]} commands=${["watch"]} />`;
}
