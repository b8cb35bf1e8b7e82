// What is said here: the list of messages, its days and its line of what is new, threads, edits as they happen.
import { announce, at, get, post, toast } from "./dom.js";
import { message, spoken } from "./message.js";
import * as place from "./place.js";

const { state } = place;
const SHOWN = 150; // messages drawn at first; earlier ones on demand
const TOGETHER_SECONDS = 300;
let shown = SHOWN;
let early = null; // what happens while the messages are on their way
let unreadFrom = null;
let drawn = null; // for whom, and which channel

const isReply = (shape) => shape.thread_ts && shape.thread_ts !== shape.ts && shape.subtype !== "thread_broadcast";

// Draws a channel; false when somebody went elsewhere meanwhile.
export async function load(channel) {
  const waiting = (early = []);
  const here = `${state.me} ${channel.id}`;
  if (drawn !== here) at("list").replaceChildren(); // nobody is to press a button of another channel
  drawn = here;
  const { messages = [], error } = await get("/page/messages", { channel: channel.id, as: state.me });
  if (error) toast(`The messages could not be read: ${error}`);
  if (early !== waiting) return false;
  early = null;
  if (messages[0]?.channel) state.channel = messages[0].channel; // a direct conversation that was just made
  unreadFrom = state.unread.get(channel.id)?.count ? channel.last_read : null;
  state.messages = new Map(messages.map((shape) => [shape.ts, shape]));
  shown = SHOWN;
  drawAll(channel);
  waiting.forEach(changed);
  read(channel.id);
  return true;
}

function drawAll(channel) {
  const roots = [...state.messages.values()].filter((shape) => !isReply(shape));
  const items = roots.slice(-shown).map((shape) => message(shape, openThread));
  at("list").replaceChildren(...items);
  at("earlier").hidden = roots.length <= shown;
  at("nothing").hidden = roots.length > 0;
  if (channel)
    at("nothing").textContent = channel.is_im
      ? "This is the beginning. Write to the app here; nobody else reads it."
      : `This is the beginning of ${place.title(channel)}.`;
  arrange(at("list"));
  toEnd();
}

// The day over the first message of each day, one head for what one person says in one breath, the line over what is new.
function arrange(list) {
  let before = null;
  let marked = false;
  for (const item of list.children) {
    const { ts, by } = item.dataset;
    const day = place.day(ts);
    const newDay = day !== before?.day;
    const isNew = !marked && unreadFrom && Number(ts) > Number(unreadFrom);
    marked ||= Boolean(isNew);
    item.toggleAttribute("data-new", Boolean(isNew));
    if (newDay) item.dataset.day = day;
    else delete item.dataset.day;
    item.classList.toggle("follows", !newDay && !isNew && by === before.by && Number(ts) - before.ts < TOGETHER_SECONDS);
    before = { day, by, ts: Number(ts) };
  }
}

const atEnd = (box) => box.scrollHeight - box.scrollTop - box.clientHeight < 80;
let stuck = true; // whoever is at the end stays there, whatever grows (a picture that arrives late)

export function toEnd() {
  stuck = true;
  at("messages").scrollTop = at("messages").scrollHeight;
  at("newer").hidden = true;
}

// A feed change of kind `message` or `deleted`.
export function changed(change) {
  if (early) return early.push(change);
  if (change.kind === "deleted") return removed(change);
  const shape = change.message;
  const known = state.messages.get(shape.ts);
  state.messages.set(shape.ts, shape);
  at("nothing").hidden = true;
  if (!isReply(shape)) put(at("messages"), at("list"), message(shape, openThread), shape);
  if (state.thread && [shape.ts, shape.thread_ts].includes(state.thread))
    put(at("replies"), at("threadlist"), message(shape, null), shape);
  if (!known && !place.isMe(shape.user)) announce(spoken(shape));
  if (known && known.text !== shape.text) announceLater(spoken(shape));
  if (!known && document.visibilityState === "visible") read(shape.channel);
}

// Of an edit that is soon followed by another, only the last is told.
let telling;
function announceLater(words) {
  clearTimeout(telling);
  telling = setTimeout(() => announce(words), 1000);
}

// Replace a message where it stands, or add it at the end; stay at the end if we were there.
function put(box, list, item, shape) {
  const end = atEnd(box);
  const old = list.querySelector(`[data-ts="${item.dataset.ts}"]`);
  const active = old?.contains(document.activeElement) ? document.activeElement : null;
  const last = list.lastElementChild?.dataset.ts;
  if (old) old.replaceWith(item);
  else if (last && Number(last) > Number(shape.ts))
    [...list.children].find((one) => Number(one.dataset.ts) > Number(shape.ts)).before(item);
  else list.append(item);
  if (active && active === old) item.focus();
  else if (active) (item.querySelector(`[data-action="${CSS.escape(active.dataset.action ?? "")}"]`) ?? item).focus();
  arrange(list);
  if (end || (!old && place.isMe(shape.user))) box.scrollTop = box.scrollHeight;
  else if (!old && box === at("messages")) at("newer").hidden = false;
}

function removed(change) {
  state.messages.delete(change.ts);
  for (const item of document.querySelectorAll(`[data-ts="${CSS.escape(change.ts)}"]`)) item.remove();
  arrange(at("list"));
}

let reading;
function read(channel) {
  state.unread.delete(channel);
  if (place.channel(channel)?.last_read === undefined) return;
  clearTimeout(reading);
  const user = state.me; // who looked, whoever the page may be of when it is told
  reading = setTimeout(() => post("/page/read", { user, channel }), 200);
}

export function openThread(ts) {
  const opener =
    state.thread && !ts ? document.querySelector(`#messages [data-ts="${CSS.escape(state.thread)}"] .replies`) : null;
  state.thread = ts;
  at("thread").hidden = !ts;
  if (!ts) return opener?.focus();
  at("panel").hidden = true;
  const replies = [...state.messages.values()].filter((shape) => shape.ts === ts || shape.thread_ts === ts);
  at("threadlist").replaceChildren(...replies.map((shape) => message(shape, null)));
  at("threadof").textContent = place.title(place.channel(state.channel));
  arrange(at("threadlist"));
  at("replies").scrollTop = at("replies").scrollHeight;
  at("replytext").focus();
}

// A message that a link points to.
export function point(ts) {
  const shape = state.messages.get(ts);
  if (!shape) return;
  if (isReply(shape)) return openThread(shape.thread_ts);
  const item = at(`m${ts}`);
  item?.scrollIntoView({ block: "center" });
  item?.classList.add("pointed");
  item?.focus();
}

at("earlier").addEventListener("click", () => {
  const height = at("messages").scrollHeight;
  shown += SHOWN;
  drawAll();
  at("messages").scrollTop = at("messages").scrollHeight - height;
});
at("newer").addEventListener("click", toEnd);
at("messages").addEventListener("scroll", () => {
  stuck = atEnd(at("messages"));
  if (stuck) at("newer").hidden = true;
});
new ResizeObserver(() => stuck && toEnd()).observe(at("list"));
document.addEventListener(
  "visibilitychange",
  () => document.visibilityState === "visible" && state.messages.size && read(state.channel),
);

// What can be done with a message appears when it is looked at.
async function tools(item, thread) {
  const shape = state.messages.get(item?.dataset.ts);
  if (!shape || shape.only_for || item.querySelector(".tools")) return;
  const { toolbar } = await import("./tools.js");
  if (!item.querySelector(".tools")) item.append(toolbar(shape, thread, item));
}

for (const [id, thread] of [
  ["list", openThread],
  ["threadlist", null],
]) {
  for (const kind of ["mouseover", "focusin"]) {
    at(id).addEventListener(kind, (event) => tools(event.target.closest(".message"), thread));
  }
}

// Up and down go from message to message; a reply is one key away.
for (const id of ["messages", "replies"]) {
  at(id).addEventListener("keydown", (event) => {
    const item = event.target.closest(".message");
    if (event.target !== item && event.target !== at(id)) return;
    const step = { ArrowUp: "previousElementSibling", ArrowDown: "nextElementSibling" }[event.key];
    if (step) {
      event.preventDefault();
      (item ? item[step] : at(id).querySelector("ol").lastElementChild)?.focus();
    }
    if (item && id === "messages" && event.key === "Enter") openThread(item.dataset.ts);
  });
}
