// Slack's mrkdwn (already escaped by whoever sent it) → nodes. Text only ever becomes text nodes.
import { el } from "./dom.js";
import { EMOJI } from "./emoji.js";
import * as place from "./place.js";

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

// A text object's words, of either kind.
export function text(shape) {
  if (!shape) return [];
  if (shape.type === "mrkdwn") return mrkdwn(shape.text);
  return words(shape)
    .split("\n")
    .flatMap((line, index) => (index ? [el("br"), line] : [line]));
}

// A plain_text object as one string.
export function words(shape) {
  if (!shape) return "";
  return shape.emoji === false ? shape.text : emoji(shape.text);
}

export function mrkdwn(source) {
  const nodes = [];
  source.split("```").forEach((part, index, parts) => {
    const closed = index < parts.length - 1 || parts.length % 2 === 1;
    if (index % 2 === 1 && closed) nodes.push(pre(plain(part.replace(/^\n|\n$/g, ""))));
    else nodes.push(...lines(index % 2 === 1 ? "```" + part : index ? part.replace(/^\n/, "") : part));
  });
  return nodes;
}

export function pre(content) {
  return el("pre", { tabindex: "0" }, content);
}

function lines(source) {
  const nodes = [];
  let quote = null;
  let all = false; // after >>> everything is quoted
  source.split("\n").forEach((line, index) => {
    const quoted = all ? [line, line] : (line.match(/^(?:&gt;|>){3} ?(.*)$/) ?? line.match(/^(?:&gt;|>) ?(.*)$/));
    all ||= /^(&gt;|>){3}/.test(line);
    if (quoted) {
      if (quote) quote.append(el("br"));
      else nodes.push((quote = el("blockquote")));
      quote.append(...inline(quoted[1]));
      return;
    }
    if (index > 0 && !quote) nodes.push(el("br"));
    quote = null;
    nodes.push(...inline(line));
  });
  return nodes;
}

function inline(source) {
  const nodes = [];
  let from = 0;
  for (const match of source.matchAll(INLINE)) {
    nodes.push(plain(source.slice(from, match.index)), token(match));
    from = match.index + match[0].length;
  }
  nodes.push(plain(source.slice(from)));
  return nodes.filter((node) => node !== "");
}

function token([whole, code, angle, bold, italic, strike, shortcode]) {
  if (code) return el("code", {}, plain(code));
  if (angle) return reference(angle);
  if (bold) return el("strong", {}, inline(bold));
  if (italic) return el("em", {}, inline(italic));
  if (strike) return el("s", {}, inline(strike));
  return EMOJI[shortcode] ?? whole;
}

function reference(angle) {
  const [target, label] = angle.split("|");
  if (target.startsWith("@")) return mention(`@${place.userName(target.slice(1))}`, place.isMe(target.slice(1)));
  if (target.startsWith("#")) return channelLink(target.slice(1), label);
  if (target.startsWith("!subteam^")) return mention(`@${place.groupName(target.slice(9))}`, place.mine(`<${target}`));
  if (target.startsWith("!date^")) return date(target, label);
  if (target.startsWith("!")) return mention(`@${target.slice(1)}`, true);
  return link(target, label);
}

export function mention(name, own) {
  return el("span", { class: own ? "mention own" : "mention" }, name);
}

export function channelLink(id, label) {
  const name = `#${label || place.channelName(id)}`;
  return place.channel(id) ? el("a", { class: "mention", href: `#${place.state.me}/${id}` }, name) : mention(name);
}

export function link(target, label) {
  const url = plain(target);
  const shown = plain(label || target.replace(/^mailto:/, ""));
  if (!/^(https?|mailto):/i.test(url)) return `<${shown}>`;
  return el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, shown);
}

function date(target, fallback) {
  const [, seconds, format, url] = target.split("^");
  return moment(Number(seconds), format, url, fallback);
}

// A moment as Slack's date format says it, e.g. "{date_short_pretty} at {time}".
export function moment(seconds, format, url, fallback) {
  const when = new Date(seconds * 1000);
  if (Number.isNaN(when.getTime()) || !format) return plain(fallback || "");
  const shown = format.replace(/\{(\w+)\}/g, (whole, name) => part(when, name) ?? whole);
  const made = el("time", { datetime: when.toISOString(), title: place.full(seconds) }, shown);
  return url && /^https?:/i.test(plain(url))
    ? el("a", { href: plain(url), target: "_blank", rel: "noopener noreferrer" }, made)
    : made;
}

const DAY = { day: "numeric", month: "long", year: "numeric" };
const MINUTES = { hour: "2-digit", minute: "2-digit" };
const PARTS = {
  date_num: (when) => place.say(when, { day: "2-digit", month: "2-digit", year: "numeric" }).split("/").reverse().join("-"),
  date_slash: (when) => place.say(when, { day: "2-digit", month: "2-digit", year: "numeric" }),
  date: (when) => place.say(when, DAY),
  date_short: (when) => place.say(when, { ...DAY, month: "short" }),
  date_long: (when) => place.say(when, { ...DAY, weekday: "long" }),
  time: (when) => place.say(when, MINUTES),
  time_secs: (when) => place.say(when, { ...MINUTES, second: "2-digit" }),
  ago: (when) => place.ago(when),
};

function part(when, name) {
  const exact = () => PARTS[name.replace("_pretty", "")]?.(when);
  return name.endsWith("_pretty") ? place.nearDay(when, exact).replace(/^(T|Y)/, (letter) => letter.toLowerCase()) : exact();
}
