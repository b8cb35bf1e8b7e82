// For the curious: every envelope to the app and every call from it, and how to make them go wrong.
import { at, el, get, post, toast } from "./dom.js";
import { clock, full, state } from "./place.js";
import { tree } from "./tree.js";

const entries = new Map(); // n → entry
const KEPT = 400;
let feed = null;

export function open(tab = "traffic") {
  at("panel").hidden = false;
  at("thread").hidden = true;
  state.thread = null;
  show(tab);
  if (!feed) begin();
}

export function close() {
  at("panel").hidden = true;
  feed?.close();
  feed = null;
}

async function begin() {
  feed = new EventSource(`/page/feed?as=${encodeURIComponent(state.me)}&inspector=1`);
  feed.onmessage = (event) => {
    const change = JSON.parse(event.data);
    if (change.kind === "inspector") put(change.entry);
  };
  const { entries: before = [] } = await get("/page/inspector", { limit: 200 });
  at("traffic").replaceChildren();
  entries.clear();
  before.forEach(put);
}

const fits = (entry) => {
  const kind = at("kind").value;
  const typed = at("filter").value.trim().toLowerCase();
  if (kind === "failed" ? entry.ok : kind && entry.what !== kind) return false;
  return `${entry.name} ${entry.detail} ${entry.error} ${entry.outcome ?? ""}`.toLowerCase().includes(typed);
};

function put(entry) {
  entries.set(entry.n, entry);
  const old = at("traffic").querySelector(`[data-n="${entry.n}"]`);
  const made = row(entry);
  made.hidden = !fits(entry);
  if (old?.open) return old.querySelector("summary").replaceChildren(...made.querySelector("summary").childNodes);
  if (old) old.replaceWith(made);
  else at("traffic").prepend(made);
  while (at("traffic").children.length > KEPT) at("traffic").lastElementChild.remove();
}

const ARROWS = { call: "←", envelope: "→", hook: "←", fault: "⚡" };
const SPOKEN = { call: "call from the app", envelope: "envelope to the app", hook: "post from the app", fault: "fault" };

function row(entry) {
  const waiting = entry.outcome === "waiting";
  const state_ = waiting ? "waits" : entry.ok ? `${Math.round(entry.ms * 10) / 10} ms` : entry.error || entry.outcome;
  const head = [
    el(
      "span",
      { class: `arrow ${entry.what}` },
      el("span", { "aria-hidden": "true" }, ARROWS[entry.what] ?? "·"),
      el("span", { class: "hidden" }, SPOKEN[entry.what] ?? entry.what),
    ),
    el(
      "span",
      { class: "what" },
      el("strong", {}, entry.name),
      " ",
      entry.detail,
      entry.attempt ? el("em", {}, ` attempt ${entry.attempt + 1}`) : null,
    ),
    el("span", { class: entry.ok || waiting ? "soft" : "bad" }, state_),
    el("time", { title: full(entry.at) }, clock(entry.at)),
  ];
  const made = el("details", { "data-n": String(entry.n) }, el("summary", {}, head));
  made.addEventListener("toggle", () => made.open && expand(made, entry.n), { once: true });
  return made;
}

async function expand(made, n) {
  const { entry } = await get(`/page/inspector/${n}`);
  if (!entry) return made.append(el("p", { class: "soft" }, "This is no longer kept."));
  const { sent, answer, headers, ...rest } = entry;
  const part = (name, value) =>
    value === undefined || value === null ? null : el("section", {}, el("h3", {}, name), tree(value));
  const again = entry.event_id
    ? el("button", { type: "button", class: "button small", onclick: () => order("redeliver", { n }) }, "Deliver again")
    : null;
  made.append(
    el(
      "div",
      { class: "entry" },
      part("Sent", sent),
      part("Answer", answer),
      part("Headers", headers),
      part("About", rest),
      again,
    ),
  );
}

async function order(name, body = {}) {
  const answer = await post(`/control/${name}`, body);
  toast(answer.ok ? `Done: ${name.replace("_", " ")}` : `${name}: ${answer.error}`);
}

// The controls: what each does, in words, and what it takes.
const CONTROLS = [
  ["Cut the connection", "The app's sockets end without a word.", "drop"],
  ["Freeze the connection", "The sockets stay open and nobody answers on them.", "freeze"],
  ["Ask to reconnect", "As Slack does every few hours.", "disconnect"],
  ["Too many requests", "The next 3 calls are answered with 429.", "rate_limit", { method: "*", count: 3, retry_after: 2 }],
  ["Slow", "Every call takes one second longer.", "slow", { seconds: 1 }],
  ["Down for 15 s", "Calls are answered with 503 and the sockets are cut.", "down", { seconds: 15 }],
  ["Deliver again", "The last event comes to the app once more.", "redeliver"],
  ["End all of it", "Everything works again.", "clear"],
];

function controls() {
  const one = ([name, words, act, body]) =>
    el(
      "li",
      {},
      el("div", {}, el("strong", {}, name), el("p", { class: "soft" }, words)),
      el(
        "button",
        { type: "button", class: "button small", "aria-label": name, onclick: () => order(act, body) },
        act === "clear" ? "End" : "Do it",
      ),
    );
  return CONTROLS.map(one);
}

function show(tab) {
  for (const name of ["traffic", "controls"]) {
    at(`${name}tab`).setAttribute("aria-selected", String(name === tab));
    at(`${name}tab`).tabIndex = name === tab ? 0 : -1;
    at(`${name}view`).hidden = name !== tab;
  }
}

for (const name of ["traffic", "controls"]) {
  at(`${name}tab`).addEventListener("click", () => show(name));
  at(`${name}tab`).addEventListener("keydown", (event) => {
    if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    const other = name === "traffic" ? "controls" : "traffic";
    show(other);
    at(`${other}tab`).focus();
  });
}
document.head.append(el("link", { rel: "stylesheet", href: "/static/inspector.css" }));
at("leavepanel").addEventListener("click", close);
at("controlslist").replaceChildren(...controls());
const filter = () => [...at("traffic").children].forEach((made) => (made.hidden = !fits(entries.get(Number(made.dataset.n)))));
at("filter").addEventListener("input", filter);
at("kind").addEventListener("change", filter);
at("forget").addEventListener("click", async () => {
  await post("/control/forget");
  at("traffic").replaceChildren();
});
