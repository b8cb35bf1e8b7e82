// Slack's mrkdwn (already escaped by whoever sent it) → nodes. Text only ever becomes text nodes.
import { el } from "./dom.js";
import { EMOJI } from "./emoji.js";

const INLINE = new RegExp(
  [
    "`([^`\\n]+)`",
    "<([^<>\\n]+)>",
    "(?<![\\w*])\\*([^\\s*](?:[^*\\n]*[^\\s*])?)\\*(?![\\w*])",
    "(?<![\\w_])_([^\\s_](?:[^_\\n]*[^\\s_])?)_(?![\\w_])",
    "(?<![\\w~])~([^\\s~](?:[^~\\n]*[^\\s~])?)~(?![\\w~])",
    ":([a-z0-9_+-]+):",
  ].join("|"),
  "g",
);

export function plain(text) {
  return text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
}

export function emoji(text) {
  return text.replace(/:([a-z0-9_+-]+):/g, (whole, name) => EMOJI[name] ?? whole);
}

// names: {user(id), channel(id), group(id), zone, me}
export function mrkdwn(text, names) {
  const nodes = [];
  text.split(/```/).forEach((part, index, parts) => {
    const closed = index < parts.length - 1 || parts.length % 2 === 1;
    if (index % 2 === 1 && closed) nodes.push(el("pre", { tabindex: "0" }, plain(part.replace(/^\n|\n$/g, ""))));
    else nodes.push(...lines(index % 2 === 1 ? "```" + part : part, names));
  });
  return nodes;
}

function lines(text, names) {
  const nodes = [];
  let quote = null;
  text.split("\n").forEach((line, index) => {
    const quoted = line.match(/^(?:&gt;|>) ?(.*)$/);
    if (quoted) {
      if (quote) quote.append(el("br"));
      else nodes.push((quote = el("blockquote")));
      quote.append(...inline(quoted[1], names));
      return;
    }
    if (index > 0 && !quote) nodes.push(el("br"));
    quote = null;
    nodes.push(...inline(line, names));
  });
  return nodes;
}

function inline(text, names) {
  const nodes = [];
  let at = 0;
  for (const match of text.matchAll(INLINE)) {
    nodes.push(plain(text.slice(at, match.index)), token(match, names));
    at = match.index + match[0].length;
  }
  nodes.push(plain(text.slice(at)));
  return nodes.filter((node) => node !== "");
}

function token(match, names) {
  const [whole, code, angle, bold, italic, strike, shortcode] = match;
  if (code) return el("code", {}, plain(code));
  if (angle) return reference(angle, names);
  if (bold) return el("strong", {}, inline(bold, names));
  if (italic) return el("em", {}, inline(italic, names));
  if (strike) return el("s", {}, inline(strike, names));
  return EMOJI[shortcode] ?? whole;
}

function reference(angle, names) {
  const [target, label] = angle.split("|");
  const mention = (words, own) => el("span", { class: own ? "mention own" : "mention" }, words);
  if (target.startsWith("@")) return mention(`@${names.user(target.slice(1))}`, target.slice(1) === names.me);
  if (target.startsWith("#")) return mention(`#${label || names.channel(target.slice(1))}`);
  if (target.startsWith("!subteam^")) return mention(`@${names.group(target.slice(9))}`);
  if (target.startsWith("!date^")) return el("time", {}, date(target, label, names.zone));
  if (target.startsWith("!")) return mention(`@${target.slice(1)}`, true);
  return link(target, label);
}

export function link(target, label) {
  const url = plain(target);
  const words = plain(label || target);
  if (!/^(https?|mailto):/i.test(url)) return `<${words}>`;
  return el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, words);
}

function date(target, fallback, zone) {
  const [, seconds, format] = target.split("^");
  const when = new Date(Number(seconds) * 1000);
  if (Number.isNaN(when.getTime()) || !format) return plain(fallback || "");
  const say = (options) => new Intl.DateTimeFormat("en-GB", { ...options, timeZone: zone }).format(when);
  const day = { day: "numeric", month: "long", year: "numeric" };
  const forms = {
    date_num: () => new Intl.DateTimeFormat("sv-SE", { timeZone: zone }).format(when),
    date: () => say(day),
    date_short: () => say({ ...day, month: "short" }),
    date_long: () => say({ ...day, weekday: "long" }),
    time: () => say({ hour: "2-digit", minute: "2-digit" }),
    time_secs: () => say({ hour: "2-digit", minute: "2-digit", second: "2-digit" }),
  };
  return format.replace(/\{(\w+)\}/g, (whole, name) => (forms[name.replace("_pretty", "")] ?? (() => whole))());
}
