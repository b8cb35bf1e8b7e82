// One message as a list item: who, when, what, and what can be done with it.
import { confirm, render } from "./blocks.js";
import { el, post, toast } from "./dom.js";
import { emoji, mrkdwn } from "./mrkdwn.js";

export function message(shape, place, openThread) {
  const person = place.person(shape);
  const item = el("li", { id: `m${shape.ts}`, class: shape.only_for ? "message whisper" : "message", "data-ts": shape.ts });
  const head = el("div", { class: "head" }, el("strong", {}, person.name));
  if (person.bot) head.append(el("span", { class: "badge" }, "app"));
  head.append(el("time", { datetime: place.iso(shape.ts), title: place.full(shape.ts) }, place.time(shape.ts)));
  if (shape.edited) head.append(el("small", { class: "edited" }, "(edited)"));
  const avatar = el("span", { class: `avatar hue${person.hue}`, "aria-hidden": "true" }, person.initials);
  const body = el("div", { class: "body" }, head);
  if (shape.only_for) body.append(el("p", { class: "only" }, "Only visible to you"));
  body.append(...content(shape, place));
  body.append(...below(shape, openThread));
  item.append(avatar, body);
  return item;
}

function content(shape, place) {
  const nodes = [];
  if (shape.blocks?.length) nodes.push(el("div", { class: "blocks" }, render(shape.blocks, place.names(), reports(shape, place))));
  else if (shape.text) nodes.push(el("div", { class: "text" }, mrkdwn(shape.text, place.names())));
  for (const attachment of shape.attachments ?? []) {
    const inside = attachment.blocks
      ? render(attachment.blocks, place.names(), reports(shape, place))
      : mrkdwn(attachment.text ?? attachment.fallback ?? "", place.names());
    const made = el("div", { class: "attachment" }, el("div", {}, inside));
    if (/^#?[0-9a-f]{6}$/i.test(attachment.color ?? "")) made.style.borderLeftColor = `#${attachment.color.replace("#", "")}`;
    nodes.push(made);
  }
  for (const file of shape.files ?? []) {
    const size = file.size < 1024 ? `${file.size} B` : `${Math.round(file.size / 1024)} KB`;
    nodes.push(el("a", { class: "file", href: new URL(file.url_private).pathname, target: "_blank" }, `📄 ${file.title} · ${size}`));
  }
  return nodes;
}

function below(shape, openThread) {
  const nodes = [];
  if (shape.reactions?.length) {
    const shown = shape.reactions.map((one) => el("span", { class: "reaction" }, emoji(`:${one.name}:`), ` ${one.count}`));
    nodes.push(el("div", { class: "reactions" }, shown));
  }
  if (openThread && !shape.only_for) {
    const count = shape.reply_count ?? 0;
    const text = count ? `${count} ${count === 1 ? "reply" : "replies"}` : "Reply";
    const open = () => openThread(shape.ts);
    nodes.push(el("button", { type: "button", class: count ? "replies" : "replies quiet", onclick: open }, text));
  }
  return nodes;
}

function reports(shape, place) {
  const values = {};
  const where = { channel: shape.channel, ts: shape.ts };
  return {
    known: place.known,
    value: () => undefined,
    suggest: async (block, element, typed) => {
      const asked = { user: place.me(), ...where, action_id: element.action_id, typed };
      return (await post("suggest", asked)).options ?? [];
    },
    change: async (block, element, value) => {
      (values[block.block_id] ??= {})[element.action_id] = value;
      if (block.type === "input" && !block.dispatch_action) return;
      if (element.confirm && !(await confirm(element.confirm, place.names()))) return;
      const acted = { ...where, user: place.me(), action_id: element.action_id, block_id: block.block_id, value, state: values };
      const answer = await post("click", acted);
      if (!answer.ok) toast(`The bot did not answer (${answer.result ?? answer.error}).`);
    },
  };
}
