// Standard Markdown (the block `markdown`) and tables → nodes, and the door to rich text; all of it comes when it is first shown.
// Text only ever becomes text nodes.
import { el } from "./dom.js";
import { emoji, link, plain, pre } from "./mrkdwn.js";
import { rich } from "./rich.js";

const INLINE = new RegExp(
  [
    "\\\\([!-/:-@[-`{-~])",
    "`([^`\\n]+)`",
    "!?\\[([^\\]\\n]*)\\]\\(([^()\\s]+)\\)", // a picture is a link, as in Slack
    "\\*\\*([^\\s*](?:[^\\n]*?[^\\s])?)\\*\\*(?!\\*)",
    "(?<!\\w)__([^\\s_](?:[^\\n]*?\\S)?)__(?!\\w)",
    "~~([^\\s~](?:[^~\\n]*[^\\s~])?)~~",
    "(?<!\\*)\\*([^\\s*](?:[^*\\n]*[^\\s*])?)\\*(?!\\*)",
    "(?<![\\w_])_([^\\s_](?:[^_\\n]*[^\\s_])?)_(?![\\w_])",
    "(https?://[^\\s<>()|]*[^\\s<>()|.,:;!?])",
  ].join("|"),
  "g",
);
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const DEEPEST = 8; // levels of lists and quotes: a phone shows no more
const DEEP_QUOTE = new RegExp(`^(\\s*>){${DEEPEST + 1},}`);
const RULER = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

function inline(source) {
  const nodes = [];
  let from = 0;
  for (const match of source.matchAll(INLINE)) {
    nodes.push(emoji(plain(source.slice(from, match.index))), token(match));
    from = match.index + match[0].length;
  }
  nodes.push(emoji(plain(source.slice(from))));
  return nodes.filter((node) => node !== "");
}

function token([, literal, code, label, target, bold, strong, gone, star, under, url]) {
  if (literal) return literal;
  if (code) return el("code", {}, plain(code));
  if (target) return link(target, label);
  if (bold || strong) return el("strong", {}, inline(bold ?? strong));
  if (gone) return el("s", {}, inline(gone));
  return url ? link(url) : el("em", {}, inline(star ?? under));
}

// Each takes its lines off the rest and makes nodes of them; the first whose test fits the first line does.
const KINDS = [
  [(line) => /^\s*```/.test(line), fence],
  [(line) => /^#{1,6}\s/.test(line), (rest) => el("h2", { class: "b-header" }, inline(rest.shift().replace(/^#+\s+|\s+#+$/g, "")))],
  [(line) => /^\s*([-*_])(\s*\1){2,}\s*$/.test(line), (rest) => rest.shift() && el("hr")],
  [(line) => /^\s*>/.test(line), (rest) => el("blockquote", {}, blocks(taken(rest, (one) => /^\s*>/.test(one)).map(unquoted)))],
  [(line) => ITEM.test(line), list],
  [(line, next) => line.includes("|") && RULER.test(next ?? "") && next.includes("-"), ruled],
];
const unquoted = (line) => line.replace(DEEP_QUOTE, ">").replace(/^\s*> ?/, "");
const kind = (rest) => KINDS.find(([begins]) => begins(rest[0], rest[1]))?.[1];

function taken(rest, fits) {
  const lines = [];
  while (rest.length && fits(rest[0])) lines.push(rest.shift());
  return lines;
}

function blocks(lines) {
  const rest = [...lines];
  const nodes = [];
  while (rest.length) {
    if (!rest[0].trim()) rest.shift();
    else nodes.push((kind(rest) ?? paragraph)(rest));
  }
  return nodes;
}

function paragraph(rest) {
  const lines = [rest.shift()];
  while (rest.length && rest[0].trim() && !kind(rest)) lines.push(rest.shift());
  return el(
    "p",
    {},
    lines.flatMap((line, index) => [index ? el("br") : null, ...inline(line.trim())]),
  );
}

function fence(rest) {
  rest.shift();
  const lines = taken(rest, (line) => !/^\s*```\s*$/.test(line));
  rest.shift();
  return pre(plain(lines.join("\n")));
}

function list(rest, level = 1) {
  const [, indent, mark] = rest[0].match(ITEM);
  const ordered = /\d/.test(mark);
  const made = el(ordered ? "ol" : "ul", ordered ? { start: parseInt(mark, 10) } : {});
  while (rest.length) {
    const [, deep, sign, words] = rest[0].match(ITEM) ?? [];
    const nests = deep?.length > indent.length && level < DEEPEST;
    if (nests) made.lastElementChild.append(list(rest, level + 1));
    else if (sign && (deep.length < indent.length || /\d/.test(sign) !== ordered)) break;
    else if (sign) made.append(el("li", {}, inline(words.replace(/^\[ \] /, "☐ ").replace(/^\[[xX]\] /, "☑ "))));
    else if (/^\s+\S/.test(rest[0])) made.lastElementChild.append(el("br"), ...inline(rest[0].trim()));
    else if (rest[0].trim() || !ITEM.test(rest[1] ?? "")) break;
    if (!nests) rest.shift();
  }
  return made;
}

const cells = (line) =>
  line
    .trim()
    .replace(/^\||\|$/g, "")
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replace(/\\\|/g, "|"));

function ruled(rest) {
  const head = cells(rest.shift());
  const columns = cells(rest.shift()).map((rule) => ({
    align: rule.endsWith(":") ? (rule.startsWith(":") ? "center" : "right") : "left",
    is_wrapped: true,
  }));
  const rows = taken(rest, (line) => line.includes("|")).map(cells);
  return table([head, ...rows].map((row) => row.map(inline)), columns);
}

// The first row says what the columns are.
function table(rows, columns = []) {
  const cell = (tag, nodes, column) => {
    const made = el(tag, tag === "th" ? { scope: "col" } : {}, nodes);
    made.style.textAlign = columns[column]?.align ?? "left";
    if (!columns[column]?.is_wrapped) made.style.whiteSpace = "nowrap";
    return made;
  };
  const made = rows.map((row, number) => el("tr", {}, row.map((nodes, column) => cell(number ? "td" : "th", nodes, column))));
  return el("div", { class: "b-table", role: "region", "aria-label": "Table", tabindex: "0" }, el("table", {}, made));
}

const shown = (cell) => (cell.type === "rich_text" ? (cell.elements ?? []).map(rich) : cell.text);

export function draw(block) {
  if (block.type === "rich_text") return el("div", { class: "b-rich text" }, block.elements.map(rich));
  if (block.type === "table") return table(block.rows.map((row) => row.map(shown)), block.column_settings ?? []);
  return el("div", { class: "blocks text" }, blocks(block.text.replace(/\r/g, "").split("\n")));
}
