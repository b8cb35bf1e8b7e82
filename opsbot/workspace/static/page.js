// The page: who you are and where; the feed that keeps everything on it current.
import { composer } from "./composer.js";
import * as conversation from "./conversation.js";
import { at, get, icon, toast } from "./dom.js";
import * as place from "./place.js";
import * as side from "./side.js";

const { state } = place;
const AGAIN_MS = 1000;
let feed = null;
let dialogs = null; // modal.js, once there was a dialog
const home = () => import("./home.js");
const inspector = () => import("./inspector.js"); // for the few who want it

async function modals(views) {
  if (!dialogs && !views.length) return;
  dialogs ??= import("./modal.js");
  (await dialogs).show(views);
}

async function jump() {
  if (document.querySelector("dialog[open]")) return;
  at("jumptext").value = "";
  at("jump").showModal(); // at once: whoever types fast is not to lose a letter
  const found = await import("./jump.js");
  found.open(found.places(go, become, corners()));
}

async function begin() {
  for (const one of document.querySelectorAll("[data-icon]")) one.prepend(icon(one.dataset.icon));
  side.theme();
  side.people(become);
  composer(at("composer"), at("text"), () => null);
  composer(at("reply"), at("replytext"), () => state.thread);
  const linked = location.pathname.match(/^\/archives\/(\w+)\/p(\d+)(\d{6})$/);
  const [me, channel] = location.hash.slice(1).split("/");
  state.channel = linked?.[1] || channel || state.channel;
  await become(me || localStorage.getItem("me") || state.me);
  if (linked) conversation.point(`${linked[2]}.${linked[3]}`);
}

async function become(person) {
  state.me = person;
  localStorage.setItem("me", person);
  state.thread = null;
  feed?.close();
  feed = new EventSource(`/page/feed?as=${encodeURIComponent(person)}`);
  feed.onmessage = (event) => changed(JSON.parse(event.data));
  feed.onerror = () => (at("away").hidden = false);
  await new Promise((opened) => {
    feed.onopen = () => opened(refresh()); // also after every reconnect
  });
}

async function refresh() {
  const me = state.me;
  const start = await get("/page/start", { as: me });
  if (me !== state.me) return; // somebody else by now, whose own question is on its way
  if (!start.users) {
    at("away").hidden = false;
    await new Promise((later) => setTimeout(later, AGAIN_MS));
    return refresh();
  }
  const somebody = start.users.find((one) => one.id === state.me) || start.users.find((one) => !one.is_bot);
  if (somebody.id !== state.me) return become(somebody.id); // an address that names nobody, or somebody of another workspace
  at("away").hidden = true;
  state.start = start;
  state.unread = new Map(
    start.channels.filter((one) => one.unread).map((one) => [one.id, { count: one.unread, mentions: one.mentions }]),
  );
  side.connected(start.links, start.door);
  at("faults").textContent = faults(start.faults);
  modals(start.views);
  await go(state.channel);
}

async function go(id) {
  const isHome = id === "home";
  const direct = { id: side.direct(), is_im: true };
  const channel = place.channel(id) ?? (id === state.me || isHome ? direct : state.start.channels[0]);
  const thread = channel.id === state.channel ? state.thread : null;
  state.channel = isHome ? "home" : channel.id;
  document.body.classList.toggle("athome", isHome);
  history.replaceState(null, "", `/#${state.me}/${state.channel}`);
  at("name").textContent = place.title(channel);
  at("topic").textContent = channel.is_im ? "App" : (channel.topic?.value ?? "");
  at("text").placeholder = `Message ${channel.is_im ? place.title(channel) : `#${channel.name}`}`;
  at("tabs").hidden = !channel.is_im;
  at("hometab").setAttribute("aria-current", isHome ? "page" : "false");
  at("messagestab").setAttribute("aria-current", isHome ? "false" : "page");
  openMenu(false);
  if (isHome) {
    conversation.openThread(null);
    side.draw(go);
    const tab = await home();
    tab.draw(state.start.home ?? null);
    return tab.opened("home");
  }
  if (!(await conversation.load(channel))) return;
  conversation.openThread(thread);
  side.draw(go);
  if (channel.is_im) (await home()).opened("messages");
}

function corners() {
  return [
    { text: `Home of ${place.user(state.start.bot)?.real_name}`, sign: "home", act: () => go("home") },
    { text: "Inspector", note: "envelopes and calls", sign: "pulse", act: async () => (await inspector()).open() },
    {
      text: "Make it fail",
      note: "drop, freeze, 429, down",
      sign: "pulse",
      act: async () => (await inspector()).open("controls"),
    },
    ...["auto", "light", "dark"].map((name) => ({ text: `Colours: ${name}`, sign: name, act: () => side.theme(name) })),
  ];
}

const HAPPENINGS = {
  message: (change) => (change.message.channel === state.channel ? conversation.changed(change) : elsewhere(change.message)),
  deleted: (change) => change.channel === state.channel && conversation.changed(change),
  views: (change) => modals(change.views),
  async home(change) {
    state.start.home = change.view;
    if (state.channel === "home") (await home()).draw(change.view);
  },
  links: (change) => side.connected(change.count, change.door ?? state.start.door),
  faults: (change) => (at("faults").textContent = faults(change.faults)),
  channel: refresh,
  read(change) {
    if (change.unread) state.unread.set(change.channel, { count: change.unread, mentions: change.mentions });
    else state.unread.delete(change.channel);
    side.draw(go);
  },
  trouble(change) {
    const bot = place.user(state.start.bot)?.real_name;
    const known = { operation_timeout: "did not answer within 3 seconds", dispatch_failed: "is not connected" };
    toast(`${bot} ${known[change.error] ?? `did not answer (${change.error})`}.`);
  },
};

function faults(found) {
  const said = (found?.rate_limits ?? []).map((one) => `429 for ${one.left} more calls of ${one.method}`);
  if (found?.down) said.push("down");
  if (found?.slow_seconds) said.push(`${found.slow_seconds} s slower`);
  if (found?.frozen) said.push(`${found.frozen} frozen`);
  return said.length ? `Now on purpose: ${said.join(", ")}.` : "Nothing is made to fail now.";
}

function changed(change) {
  HAPPENINGS[change.kind]?.(change);
}

// A message in another channel: unread, unless it is an edit, a reply in a thread or one's own.
const counted = new Set();
function elsewhere(shape) {
  const known = shape.edited || shape.reply_count || counted.has(shape.ts);
  const reply = shape.thread_ts && shape.thread_ts !== shape.ts;
  const channel = place.channel(shape.channel);
  counted.add(shape.ts);
  if (known || reply || !channel || place.isMe(shape.user)) return;
  const before = state.unread.get(shape.channel) ?? { count: 0, mentions: 0 };
  const loud = channel.is_im || place.mine(shape.text) || /<!(here|channel|everyone)/.test(shape.text);
  state.unread.set(shape.channel, { count: before.count + 1, mentions: before.mentions + Number(loud) });
  side.draw(go);
}

function openMenu(open) {
  document.body.classList.toggle("sideopen", open);
  at("menu").setAttribute("aria-expanded", String(open));
  if (open) at("person").focus();
}

at("menu").addEventListener("click", () => openMenu(!document.body.classList.contains("sideopen")));
at("shade").addEventListener("click", () => openMenu(false));
at("leave").addEventListener("click", () => conversation.openThread(null));
at("find").addEventListener("click", jump);
at("inspect").addEventListener("click", async () => {
  const found = await inspector();
  openMenu(false);
  if (at("panel").hidden) found.open();
  else found.close();
});
at("hometab").addEventListener("click", () => go("home"));
at("messagestab").addEventListener("click", () => go(side.direct()));
addEventListener("hashchange", () => {
  const [me, channel] = location.hash.slice(1).split("/");
  if (me && me !== state.me) become(me);
  else if (channel && channel !== state.channel) go(channel);
});
document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    jump();
  }
  if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open], :popover-open")) return;
  if (document.body.classList.contains("sideopen")) {
    openMenu(false);
    at("menu").focus();
  } else if (state.thread) conversation.openThread(null);
  else if (!at("panel").hidden) {
    at("leavepanel").click();
    at("inspect").focus();
  } else at("text").focus();
});
begin();
