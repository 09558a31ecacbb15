// Foreign text made safe to look at, and commands made safe to paste.

const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** Control and direction characters as `\u202e`. */
export const visible = (text) =>
  String(text).replace(HIDDEN, (each) => "\\u" + each.charCodeAt(0).toString(16).padStart(4, "0"));

/** At most so many characters. */
export const cut = (text, most = 2048) => (text.length > most ? text.slice(0, most) + "…" : text);

/** JSON with other whitespace, and nothing else changed: numbers stay as they were written. */
export function laidOut(text) {
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/gs);
  if (!tokens || !/^\s*[{[]/.test(text)) return text;
  let out = "";
  let depth = 0;
  const line = () => "\n" + "  ".repeat(Math.min(depth, 40));
  tokens.forEach((token, i) => {
    const closes = tokens[i + 1] === "}" || tokens[i + 1] === "]";
    if (token === "{" || token === "[") {
      depth++;
      out += token + (closes ? "" : line());
    } else if (token === "}" || token === "]") {
      depth = Math.max(0, depth - 1);
      out += (tokens[i - 1] === "{" || tokens[i - 1] === "[" ? "" : line()) + token;
    } else if (token === ",") {
      out += token + line();
    } else {
      out += token === ":" ? ": " : token;
    }
  });
  return out;
}

/** Bytes in base64 as lines of hexadecimal. */
export function hex(base64) {
  const bytes = atob(base64);
  const lines = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const part = [...bytes.slice(at, at + 16)];
    const digits = part.map((each) => each.charCodeAt(0).toString(16).padStart(2, "0")).join(" ");
    const letters = part.map((each) => (/[ -~]/.test(each) ? each : ".")).join("");
    lines.push(at.toString(16).padStart(6, "0") + "  " + digits.padEnd(47) + "  " + letters);
  }
  return lines.join("\n");
}

/** A word of a POSIX shell. */
export const quoted = (word) => (/^[\w./:=@%+,-]+$/.test(word) ? word : "'" + word.replaceAll("'", "'\\''") + "'");

/** A call of this API as a command. */
export function curl(home, { method = "GET", to, body }, key) {
  const parts = ["curl"];
  if (method !== "GET") parts.push("-X", method);
  parts.push(quoted(home + to.slice(1)));
  if (key) parts.push("-H", '"' + key + '"');
  if (body !== undefined) parts.push("-H", "'Content-Type: application/json'", "-d", quoted(JSON.stringify(body)));
  return parts.join(" ");
}
