// Calls of the public API, and the problems that they are answered with.

/** The server's address, with its path prefix and a slash at the end. */
export const HOME = new URL("../../../", import.meta.url).href;

const bus = new EventTarget();
let ahead = 0;

/** Calls `then` with an event: `signedout`, or `answered` with whether the server could answer. */
export const on = (event, then) => {
  const take = (each) => then(each.detail);
  bus.addEventListener(event, take);
  return () => bus.removeEventListener(event, take);
};

const emit = (event, detail) => bus.dispatchEvent(new CustomEvent(event, { detail }));

/** The server's time, in ms since the epoch. */
export const now = () => Date.now() + ahead;

/** An answer that is not a success, or none. */
export class Problem extends Error {
  constructor(status, body, maybe) {
    super(body.detail || "The server did not answer.");
    this.status = status;
    this.code = body.code || "no_answer";
    this.errors = body.errors || [];
    this.requestId = body.instance;
    this.body = body;
    /** Whether the change may have been made all the same. */
    this.maybe = maybe;
  }
}

/** The path of a call, with values in place: path`/v1/tasks/${id}`. */
export const path = (parts, ...values) =>
  parts.reduce((all, part, i) => all + encodeURIComponent(values[i - 1]) + part);

/** A query from the values that are set. */
export const query = (values) => {
  const all = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== null && value !== "") all.append(name, value);
  }
  const text = all.toString();
  return text ? "?" + text : "";
};

/** Makes a call; its answer is the body, with the header ETag as `etag`. */
export async function call(method, to, { body, headers, signal } = {}) {
  const options = { method, signal, headers: { "X-Dashboard": "1", Accept: "application/json", ...headers } };
  if (body !== undefined) {
    options.headers["Content-Type"] ||= "application/json";
    options.body = typeof body === "string" ? body : JSON.stringify(body);
  }
  const changes = method !== "GET";
  let response;
  let text;
  try {
    response = await fetch(HOME + to.slice(1), options);
    text = await response.text();
  } catch (failure) {
    if (failure.name === "AbortError") throw failure;
    emit("answered", false);
    throw new Problem(0, {}, changes);
  }
  const date = Date.parse(response.headers.get("date"));
  if (date && Math.abs(date - now()) > 1500) ahead = date - Date.now();
  emit("answered", response.status !== 503);
  if (response.ok) {
    const json = (response.headers.get("content-type") || "").includes("json");
    return { value: json && text ? JSON.parse(text) : text, etag: response.headers.get("etag") };
  }
  let problem = {};
  try {
    problem = JSON.parse(text);
  } catch {
    problem = { detail: "The server answered " + response.status + "." };
  }
  const failure = new Problem(response.status, problem, changes && response.status === 503);
  if ((failure.status === 401 || failure.code === "client_disabled") && to !== "/v1/session") emit("signedout", failure);
  throw failure;
}

/** The value of a GET. */
export const get = async (to, signal) => (await call("GET", to, { signal })).value;

/** The value of a POST. */
export const post = async (to, body = {}) => (await call("POST", to, { body })).value;
