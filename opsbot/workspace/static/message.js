// One message as a list item: who, when, what. What can be done with it is in tools.js.
import { figure, render } from "./blocks.js";
import { el, icon, post, toast } from "./dom.js";
import { emoji, mrkdwn, plain } from "./mrkdwn.js";
import * as place from "./place.js";
import { reports } from "./report.js";

const typed = new Map(); // ts → what was chosen in the message's elements, kept over its edits

// `openThread` is null inside the thread itself.
export function message(shape, openThread) {
  const by = place.author(shape);
  const item = el("li", {
    id: openThread ? `m${shape.ts}` : null,
    class: shape.only_for ? "message whisper" : "message",
    tabindex: "-1",
    "data-ts": shape.ts,
    "data-by": shape.only_for || (by.app && shape.blocks?.length) ? shape.ts : by.id, // a card always has its head
  });
  const when = el("time", { datetime: place.moment(shape.ts).toISOString(), title: place.full(shape.ts) }, place.clock(shape.ts));
  const head = el(
    "div",
    { class: "head" },
    el("strong", {}, by.name),
    by.app ? el("span", { class: "badge" }, "App") : null,
    when,
  );
  const body = el("div", { class: "body" }, head);
  if (shape.only_for) body.append(el("p", { class: "only" }, "Only visible to you", dismiss(shape)));
  body.append(...content(shape));
  if (shape.edited && !shape.blocks) {  // Slack says it of words alone
    const last = body.lastElementChild.matches(".text") ? body.lastElementChild : head;
    last.append(el("small", { class: "edited", title: place.full(shape.edited.ts) }, " (edited)"));
  }
  body.append(...below(shape, openThread));
  item.append(el("div", { class: "gutter" }, place.face(by), when.cloneNode(true)), body);
  return item;
}

// What a screen reader is told of a message: who, and its text for notifications.
export function spoken(shape) {
  return `${place.author(shape).name}: ${plain(emoji(shape.text || "sent a card")).replace(/[*_~`]|<[^>|]*\|?|>/g, "")}`;
}

function content(shape) {
  const nodes = [];
  if (!typed.has(shape.ts)) typed.set(shape.ts, {});
  const on = reports(typed.get(shape.ts), { channel: shape.channel, ts: shape.ts });
  if (shape.blocks?.length) nodes.push(el("div", { class: "blocks" }, render(shape.blocks, on)));
  else if (shape.text) nodes.push(el("div", { class: shape.subtype === "me_message" ? "text me" : "text" }, mrkdwn(shape.text)));
  nodes.push(...(shape.attachments ?? []).map((one) => attachment(one, on)));
  nodes.push(...(shape.files ?? []).map(file));
  return nodes.length ? nodes : [el("div", { class: "text" })];
}

const COLOURS = { good: "#2eb67d", warning: "#ecb22e", danger: "#e01e5a" };

function attachment(shape, on) {
  const rows = [];
  const row = (value, kind) => value && rows.push(el("div", { class: kind }, mrkdwn(value)));
  row(shape.author_name, "author");
  const title = shape.title_link ? `<${shape.title_link}|${shape.title}>` : shape.title;
  if (title) rows.push(el("strong", {}, mrkdwn(title)));
  if (shape.blocks?.length) rows.push(el("div", { class: "blocks" }, render(shape.blocks, on)));
  else row(shape.text ?? (rows.length || shape.fields ? "" : shape.fallback), "text");
  const field = (one) => el("div", {}, el("strong", {}, mrkdwn(one.title ?? "")), el("div", {}, mrkdwn(one.value ?? "")));
  if (shape.fields?.length) rows.push(el("div", { class: "b-fields" }, shape.fields.map(field)));
  if (shape.image_url) rows.push(figure({ image_url: shape.image_url, alt_text: shape.fallback ?? "" }, ""));
  row(shape.footer, "soft");
  const made = el("div", { class: "attachment" }, rows);
  const [hex] = /[0-9a-f]{6}$/i.exec(shape.color ?? "") ?? [];
  const colour = COLOURS[shape.color] ?? (hex && `#${hex}`);
  if (colour) made.style.borderLeftColor = colour;
  return shape.pretext ? el("div", {}, mrkdwn(shape.pretext), made) : made;
}

const size = (bytes) => (bytes < 1024 ? `${bytes} B` : `${Math.round(bytes / 1024)} KB`);

function file(shape) {
  const url = new URL(shape.url_private ?? shape.permalink, location.href).pathname;
  const title = shape.title || shape.name;
  if (/^image\//.test(shape.mimetype ?? "") || /^(png|jpe?g|gif)$/.test(shape.filetype ?? "")) {
    return figure({ image_url: url, alt_text: shape.alt_txt || title }, title);
  }
  const about = el("small", {}, `${shape.pretty_type ?? shape.filetype} · ${size(shape.size)}`);
  const name = el("span", {}, el("strong", {}, title), about);
  const open = el("a", { class: "file", href: url, target: "_blank", rel: "noopener" }, icon("file"), name);
  if (!shape.preview) return open;
  const more = `and ${shape.lines_more} more ${shape.lines_more === 1 ? "line" : "lines"}`;
  const rest = shape.lines_more ? el("small", { class: "soft" }, more) : null;
  return el("div", { class: "snippet" }, open, el("pre", { tabindex: "0" }, shape.preview), rest);
}

// Give a reaction, or take it back.
export async function react(shape, name) {
  const there = shape.reactions?.find((one) => one.name === name)?.users.includes(place.state.me) ?? false;
  const answer = await post("/page/react", { user: place.state.me, channel: shape.channel, ts: shape.ts, name, remove: there });
  if (!answer.ok) toast(`The reaction was not taken: ${answer.error}`);
}

function below(shape, openThread) {
  const nodes = [];
  if (shape.reactions?.length) {
    const chip = (one) => {
      const names = one.users.map(place.userName).join(", ");
      const own = String(one.users.includes(place.state.me));
      const label = `${one.name}, ${one.count}: ${names}`;
      const attributes = { type: "button", class: "reaction", "aria-pressed": own, title: names, "aria-label": label };
      return el("button", { ...attributes, onclick: () => react(shape, one.name) }, emoji(`:${one.name}:`), ` ${one.count}`);
    };
    nodes.push(el("div", { class: "reactions" }, shape.reactions.map(chip)));
  }
  if (openThread && shape.reply_count) {
    const count = `${shape.reply_count} ${shape.reply_count === 1 ? "reply" : "replies"}`;
    const faces = (shape.reply_users ?? []).slice(0, 4).map((id) => place.faceOf(place.user(id)));
    const last = shape.latest_reply ? el("small", {}, `Last ${place.ago(place.moment(shape.latest_reply))}`) : null;
    nodes.push(el("button", { type: "button", class: "replies", onclick: () => openThread(shape.ts) }, faces, count, last));
  }
  return nodes;
}

function dismiss(shape) {
  const act = async () => {
    const answer = await post("/page/dismiss", { user: place.state.me, channel: shape.channel, ts: shape.ts });
    if (!answer.ok) toast(`It could not be dismissed: ${answer.error}`);
  };
  return el("button", { type: "button", class: "inline", onclick: act }, "Dismiss");
}
