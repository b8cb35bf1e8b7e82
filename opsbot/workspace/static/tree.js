// A JSON value as a tree that opens and closes. Tokens are struck out here too, whatever the server sent.
import { el } from "./dom.js";

const SECRET = /xox[a-z]-[\w-]+|xapp-[\w-]+|(?<=Bearer )\S+/g;
const OPEN_TO = 6; // entries; what is inside and longer begins closed

const leaf = (value) => {
  const shown = typeof value === "string" ? JSON.stringify(value.replace(SECRET, "[REDACTED]")) : String(value);
  return el("span", { class: `j-${value === null ? "null" : typeof value}` }, shown);
};

export function tree(value, name, depth = 0) {
  const label = name === undefined ? null : el("span", { class: "j-key" }, `${name}: `);
  if (value === null || typeof value !== "object") return el("div", { class: "j-row" }, label, leaf(value));
  const inside = Object.entries(value);
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  if (!inside.length) return el("div", { class: "j-row" }, label, open + close);
  const made = el(
    "details",
    { class: "j" },
    el("summary", {}, label, el("span", { class: "soft" }, `${open} ${inside.length} ${close}`)),
  );
  const fill = () =>
    made.append(
      el(
        "div",
        { class: "j-in" },
        inside.map(([key, one]) => tree(one, key, depth + 1)),
      ),
    );
  made.addEventListener("toggle", fill, { once: true });
  made.open = !depth || (depth === 1 && inside.length <= OPEN_TO);
  return made;
}
