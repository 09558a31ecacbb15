// Bodies as people read them.

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
