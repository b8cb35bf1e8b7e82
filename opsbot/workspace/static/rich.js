// rich_text, the block that Slack's own composer writes → nodes.
import { el } from "./dom.js";
import { EMOJI } from "./emoji.js";
import { channelLink, link, mention, moment, pre } from "./mrkdwn.js";
import * as place from "./place.js";

const inside = (part) => (part.elements ?? []).map(rich);

const KINDS = {
  rich_text_section: (part) => el("div", {}, inside(part)),
  rich_text_quote: (part) => el("blockquote", {}, inside(part)),
  rich_text_preformatted: (part) => pre(inside(part)),
  rich_text_list: list,
  text: (part) => styled(part.text, part.style),
  link: (part) => styled(link(part.url, part.text), part.style),
  user: (part) => mention(`@${place.userName(part.user_id)}`, place.isMe(part.user_id)),
  usergroup: (part) => mention(`@${place.groupName(part.usergroup_id)}`, place.mine(`<!subteam^${part.usergroup_id}`)),
  channel: (part) => channelLink(part.channel_id),
  broadcast: (part) => mention(`@${part.range}`, true),
  emoji: (part) =>
    EMOJI[part.name] ??
    (part.unicode ? String.fromCodePoint(...part.unicode.split("-").map((code) => parseInt(code, 16))) : `:${part.name}:`),
  date: (part) => moment(part.timestamp, part.format, part.url, part.fallback),
  color: (part) => el("code", {}, part.value),
};

export function rich(part) {
  return (KINDS[part.type] ?? other)(part);
}

// What only Slack itself writes: its words, or what it is.
const other = (part) => el("span", { class: "unknown" }, part.text ?? part.name ?? `(${part.type.replaceAll("_", " ")})`);

function list(part) {
  const made = el(
    part.style === "ordered" ? "ol" : "ul",
    { class: `indent${Math.min(part.indent ?? 0, 8)}` },
    inside(part).map((item) => el("li", {}, item)),
  );
  if (part.offset && part.style === "ordered") made.start = part.offset + 1;
  return made;
}

function styled(content, style = {}) {
  const tags = { code: "code", bold: "strong", italic: "em", strike: "s", underline: "u" };
  return Object.entries(tags).reduce((node, [key, tag]) => (style[key] ? el(tag, {}, node) : node), content);
}
