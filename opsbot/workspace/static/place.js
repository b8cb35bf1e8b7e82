// What the page knows: who you are, where you are, and everybody's names and times.
import { el } from "./dom.js";

export const state = {
  me: "U01ALICE",
  channel: "C01OPS",
  thread: null,
  start: { team: "", bot: "", users: [], channels: [], groups: [], commands: {}, views: [], links: 0 },
  messages: new Map(), // ts → message, of this channel
  unread: new Map(), // channel → {count, named, since}
};

const found = (list, id) => state.start[list].find((one) => one.id === id);

export const user = (id) => found("users", id);
export const channel = (id) => found("channels", id);
export const userName = (id) => user(id)?.name ?? id;
export const channelName = (id) => channel(id)?.name ?? id;
export const groupName = (id) => found("groups", id)?.name ?? found("groups", id)?.handle ?? id;
export const people = () => state.start.users.filter((one) => !one.is_bot && !one.deleted);
export const zone = () => user(state.me)?.tz ?? "UTC";
export const isMe = (id) => id === state.me;
export const mine = (text) =>
  text.includes(`<@${state.me}>`) || groupsOf(state.me).some((id) => text.includes(`<!subteam^${id}`));

function groupsOf(person) {
  return state.start.groups.filter((group) => group.users?.includes(person)).map((group) => group.id);
}

// A channel's title as people say it: "# ops", or the name of the other side of a direct conversation.
export function title(one) {
  if (!one) return "";
  if (!one.is_im) return `# ${one.name}`;
  return user(one.user && one.user !== state.me ? one.user : state.start.bot)?.real_name ?? "Direct message";
}

// Who wrote a message: name, whether it is an app, and whose face it has.
export function author(shape) {
  const known = user(shape.user);
  const name = known?.real_name ?? shape.username ?? shape.user ?? "Somebody";
  return {
    name,
    picture: known?.profile?.image_72,
    app: Boolean(known?.is_bot ?? shape.bot_id ?? shape.username),
    id: shape.user,
  };
}

export function face(one) {
  if (one.picture) return el("img", { class: "face", src: new URL(one.picture, location.href).pathname, alt: "" });
  const initials = one.name
    .split(/\s+/)
    .map((word) => word[0])
    .join("")
    .slice(0, 2)
    .toUpperCase();
  const hue = [...one.name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 8;
  return el("span", { class: `face hue${hue}`, "aria-hidden": "true" }, initials);
}

export const faceOf = (one) => face({ name: one?.real_name ?? "?", picture: one?.profile?.image_72 });

// Moments, in the zone of the person who looks.

export function say(when, options) {
  return new Intl.DateTimeFormat("en-GB", { ...options, timeZone: zone() }).format(when);
}

export const moment = (ts) => new Date(Number(ts) * 1000);
export const clock = (ts) => say(moment(ts), { hour: "2-digit", minute: "2-digit" });
export const full = (ts) => say(moment(ts), { dateStyle: "full", timeStyle: "medium" });

const dayNumber = (when) => new Intl.DateTimeFormat("sv-SE", { timeZone: zone() }).format(when);

// "Today", "Yesterday", "Tomorrow", or else what `otherwise` says.
export function nearDay(when, otherwise) {
  const names = { 0: "Today", [-1]: "Yesterday", 1: "Tomorrow" };
  const apart = Math.round((Date.parse(dayNumber(when)) - Date.parse(dayNumber(new Date()))) / 86_400_000);
  return names[apart] ?? otherwise();
}

export const day = (ts) => nearDay(moment(ts), () => say(moment(ts), { weekday: "long", day: "numeric", month: "long" }));

export function ago(when) {
  const seconds = Math.round((when - Date.now()) / 1000);
  const units = [
    ["day", 86_400],
    ["hour", 3600],
    ["minute", 60],
    ["second", 1],
  ];
  const [unit, length] = units.find(([, size]) => Math.abs(seconds) >= size) ?? units.at(-1);
  return new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(Math.round(seconds / length), unit);
}
