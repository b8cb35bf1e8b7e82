// The page: who you are, where you are, what is said there, live.
import { el, get, post, toast } from "./dom.js";
import { message } from "./message.js";
import * as modal from "./modal.js";

const at = (id) => document.getElementById(id);
const state = { me: "U01ALICE", channel: "C01OPS", thread: null, start: null, messages: new Map(), unread: new Set(), feed: null, early: [] };

// What messages and dialogs need to know of where they are shown.
const place = {
  me: () => state.me,
  known: (list) =>
    list === "users"
      ? state.start.users.filter((user) => !user.is_bot).map((user) => [user.id, user.real_name])
      : state.start.channels.filter((channel) => channel.name).map((channel) => [channel.id, `#${channel.name}`]),
  names() {
    const found = (list, id) => state.start[list].find((one) => one.id === id)?.name ?? id;
    return {
      user: (id) => found("users", id),
      channel: (id) => found("channels", id),
      group: (id) => found("groups", id),
      zone: zone(),
      me: state.me,
    };
  },
  person(shape) {
    const user = state.start.users.find((one) => one.id === shape.user);
    const name = user?.real_name ?? shape.username ?? shape.user;
    const initials = name.split(/\s+/).map((word) => word[0]).join("").slice(0, 2).toUpperCase();
    const hue = (state.start.users.indexOf(user) + 8) % 8; // the first eight all differ
    return { name, initials, hue, bot: Boolean(user?.is_bot ?? shape.username) };
  },
  iso: (ts) => new Date(Number(ts) * 1000).toISOString(),
  time: (ts) => format(ts, { hour: "2-digit", minute: "2-digit" }),
  full: (ts) => format(ts, { dateStyle: "full", timeStyle: "medium" }),
};

function zone() {
  return state.start.users.find((user) => user.id === state.me)?.tz ?? "UTC";
}

function format(ts, options) {
  return new Intl.DateTimeFormat("en-GB", { ...options, timeZone: zone() }).format(new Date(Number(ts) * 1000));
}

// What is on the screen

async function begin() {
  const linked = location.pathname.match(/^\/archives\/(\w+)\/p(\d+)(\d{6})$/);
  const [me, channel] = location.hash.slice(1).split("/");
  state.me = me || localStorage.getItem("me") || state.me;
  state.channel = linked?.[1] || channel || state.channel;
  await become(state.me);
  if (linked) at(`m${linked[2]}.${linked[3]}`)?.scrollIntoView({ block: "center" });
}

async function become(person) {
  state.me = person;
  localStorage.setItem("me", person);
  state.feed?.close();
  state.feed = new EventSource(`/page/feed?as=${encodeURIComponent(person)}`);
  state.feed.onmessage = (event) => changed(JSON.parse(event.data));
  await new Promise((opened) => {
    state.feed.onopen = () => opened(refresh()); // also after every reconnect
  });
}

async function refresh() {
  state.start = await get("/page/start", { as: state.me });
  const people = state.start.users.filter((user) => !user.is_bot);
  const option = (user) => el("option", { value: user.id, selected: user.id === state.me }, user.real_name + (user.is_restricted ? " (guest)" : ""));
  at("me").replaceChildren(...people.map(option));
  at("team").textContent = state.start.team;
  at("hint").textContent = "";
  connected(state.start.links);
  modal.show(state.start.views, place);
  await go(state.channel);
}

function channelName(channel) {
  return channel.is_im ? "opsbot" : `# ${channel.name}`;
}

function listChannels() {
  const items = state.start.channels.map((channel) => {
    const attributes = { type: "button", onclick: () => go(channel.id), "aria-current": channel.id === state.channel ? "page" : null };
    const unread = state.unread.has(channel.id) ? el("span", { class: "dot", role: "img", "aria-label": "unread" }) : null;
    return el("li", {}, el("button", attributes, channelName(channel), unread));
  });
  at("channels").replaceChildren(...items);
}

async function go(id) {
  const channel = state.start.channels.find((one) => one.id === id) ?? state.start.channels[0];
  const thread = channel.id === state.channel ? state.thread : null;
  state.channel = channel.id;
  state.unread.delete(channel.id);
  history.replaceState(null, "", `#${state.me}/${channel.id}`);
  document.title = `${channelName(channel)} · ${state.start.team}`;
  at("name").textContent = channelName(channel);
  at("topic").textContent = channel.topic?.value ?? "";
  at("text").placeholder = `Message ${channelName(channel)}`;
  openMenu(false);
  listChannels();
  const early = (state.early = []); // what happens while the messages are on their way
  const { messages } = await get("/page/messages", { channel: channel.id, as: state.me });
  if (state.early !== early) return; // somebody went elsewhere meanwhile
  state.messages = new Map(messages.map((shape) => [shape.ts, shape]));
  state.early = null;
  drawAll();
  openThread(thread);
  early.forEach(changed);
}

function drawAll() {
  const roots = [...state.messages.values()].filter((shape) => !isReply(shape));
  at("messages").replaceChildren(...roots.map((shape) => message(shape, place, openThread)));
  at("messages").scrollTop = at("messages").scrollHeight;
}

function isReply(shape) {
  return shape.thread_ts && shape.thread_ts !== shape.ts;
}

function openThread(ts) {
  state.thread = ts;
  at("thread").hidden = ts === null;
  if (ts === null) return;
  const shown = [...state.messages.values()].filter((shape) => shape.ts === ts || shape.thread_ts === ts);
  at("replies").replaceChildren(...shown.map((shape) => message(shape, place, null)));
  at("replies").scrollTop = at("replies").scrollHeight;
  at("replytext").focus();
}

// What happens

function changed(change) {
  if (state.early && ["message", "deleted"].includes(change.kind)) return state.early.push(change);
  const acts = {
    message: () => spoken(change.message),
    deleted: () => removed(change),
    views: () => modal.show(change.views, place),
    links: () => connected(change.count),
    channel: refresh,
    trouble: () => toast(`The bot did not answer in time (${change.error}).`),
  };
  acts[change.kind]?.();
}

function spoken(shape) {
  if (shape.channel !== state.channel) {
    state.unread.add(shape.channel);
    return listChannels();
  }
  state.messages.set(shape.ts, shape);
  if (!isReply(shape)) put(at("messages"), message(shape, place, openThread));
  if (state.thread && [shape.ts, shape.thread_ts].includes(state.thread)) put(at("replies"), message(shape, place, null));
}

// Replace a message where it stands, or add it at the end; stay at the bottom if we were there.
function put(list, item) {
  const bottom = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  const old = list.querySelector(`[data-ts="${item.dataset.ts}"]`);
  const focused = old?.contains(document.activeElement) ? document.activeElement.dataset.action : null;
  if (old) old.replaceWith(item);
  else list.append(item);
  if (focused) item.querySelector(`[data-action="${CSS.escape(focused)}"]`)?.focus();
  if (bottom) list.scrollTop = list.scrollHeight;
}

function removed(change) {
  state.messages.delete(change.ts);
  for (const item of document.querySelectorAll(`[data-ts="${CSS.escape(change.ts)}"]`)) item.remove();
}

function connected(count) {
  at("bot").className = count ? "on" : "off";
  at("bot").textContent = count ? "opsbot is connected" : "opsbot is not connected";
}

// What the person does

async function send(field, thread) {
  const text = field.value.trim();
  if (!text) return;
  field.value = "";
  grow(field);
  const said = { user: state.me, channel: state.channel, text };
  const answer = await post("say", thread ? { ...said, thread_ts: thread } : said);
  if (!answer.ok && !answer.result) {
    toast(answer.error);
    field.value = text;
  }
}

function grow(field) {
  field.style.height = "auto";
  field.style.height = `${Math.min(field.scrollHeight, 200)}px`;
}

function hint() {
  const typed = at("text").value;
  const found = typed.startsWith("/") ? Object.entries(state.start.commands).filter(([name]) => name.startsWith(typed.split(" ")[0])) : [];
  at("hint").textContent = found.map(([name, words]) => `${name} · ${words}`).join("\n");
}

function openMenu(open) {
  document.body.classList.toggle("menu", open);
  at("menu").setAttribute("aria-expanded", String(open));
}

for (const [form, field, thread] of [
  ["composer", "text", () => null],
  ["reply", "replytext", () => state.thread],
]) {
  at(form).addEventListener("submit", (event) => {
    event.preventDefault();
    send(at(field), thread());
    hint();
  });
  at(field).addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    at(form).requestSubmit();
  });
  at(field).addEventListener("input", () => grow(at(field)));
}
at("text").addEventListener("input", hint);
at("me").addEventListener("change", (event) => become(event.target.value));
at("menu").addEventListener("click", () => openMenu(!document.body.classList.contains("menu")));
at("leave").addEventListener("click", () => openThread(null));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || document.querySelector("dialog[open]")) return;
  openThread(null);
  openMenu(false);
});
modal.closeOnEscape(place);
begin();
