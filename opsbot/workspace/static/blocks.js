// Block Kit's layout → nodes. `on` is what elements report to (see elements.js).
import { el } from "./dom.js";
import { element, words } from "./elements.js";
import { emoji, link, mrkdwn, plain } from "./mrkdwn.js";

function text(shape, names) {
  if (!shape) return [];
  return shape.type === "mrkdwn" ? mrkdwn(shape.text, names) : shape.text.split("\n").flatMap((line, index) => (index ? [el("br"), emoji(line)] : [emoji(line)]));
}

function image(shape, kind) {
  return el("img", { class: kind, src: shape.image_url, alt: shape.alt_text, loading: "lazy" });
}

const BLOCKS = {
  header: (block) => el("h3", { class: "b-header" }, words(block.text)),
  divider: () => el("hr"),
  section(block, names, on) {
    const body = el("div", { class: "b-text" }, text(block.text, names));
    if (block.fields) body.append(el("div", { class: "b-fields" }, block.fields.map((field) => el("div", {}, text(field, names)))));
    const beside = block.accessory && (block.accessory.type === "image" ? image(block.accessory, "thumb") : element(block, block.accessory, on));
    return el("div", { class: "b-section" }, body, beside ? el("div", { class: "b-beside" }, beside) : null);
  },
  context(block, names) {
    const parts = block.elements.map((part) => (part.type === "image" ? image(part, "icon") : el("span", {}, text(part, names))));
    return el("div", { class: "b-context" }, parts);
  },
  actions: (block, names, on) => el("div", { class: "b-actions" }, block.elements.map((part) => element(block, part, on))),
  image(block) {
    const title = block.title ? el("figcaption", {}, words(block.title)) : null;
    return el("figure", { class: "b-image" }, title, image(block, "wide"));
  },
  input(block, names, on) {
    const note = block.optional ? el("small", {}, " (optional)") : null;
    const hint = block.hint ? el("small", { class: "hint" }, words(block.hint)) : null;
    const fault = el("p", { class: "fault", role: "alert", "data-fault": block.block_id });
    const single = !["radio_buttons", "checkboxes"].includes(block.element.type);
    const made = element(block, block.element, on);
    const title = el("span", { class: "label" }, words(block.label), note);
    return el("div", { class: "b-input" }, single ? el("label", {}, title, made) : [title, made], hint, fault);
  },
  rich_text: (block, names) => el("div", { class: "b-rich" }, block.elements.map((part) => rich(part, names))),
};

function rich(part, names) {
  const inside = () => (part.elements ?? []).map((leaf) => rich(leaf, names));
  const leaves = {
    rich_text_section: () => el("div", {}, inside()),
    rich_text_quote: () => el("blockquote", {}, inside()),
    rich_text_preformatted: () => el("pre", { tabindex: "0" }, inside()),
    rich_text_list: () => el(part.style === "ordered" ? "ol" : "ul", {}, inside().map((item) => el("li", {}, item))),
    text: () => styled(part.text, part.style ?? {}),
    link: () => link(part.url, part.text),
    user: () => el("span", { class: "mention" }, `@${names.user(part.user_id)}`),
    usergroup: () => el("span", { class: "mention" }, `@${names.group(part.usergroup_id)}`),
    channel: () => el("span", { class: "mention" }, `#${names.channel(part.channel_id)}`),
    broadcast: () => el("span", { class: "mention own" }, `@${part.range}`),
    emoji: () => emoji(`:${part.name}:`),
  };
  return (leaves[part.type] ?? (() => ""))();
}

function styled(words_, style) {
  const tags = { code: "code", bold: "strong", italic: "em", strike: "s" };
  return Object.entries(tags).reduce((node, [key, tag]) => (style[key] ? el(tag, {}, node) : node), words_);
}

export function render(blocks, names, on) {
  return blocks.map((block) => {
    const make = BLOCKS[block.type];
    return make ? make(block, names, on) : el("p", { class: "unknown" }, `(${plain(block.type)} is not shown here)`);
  });
}

// A question before a dangerous element acts; answers true or false.
export function confirm(shape, names) {
  const dialog = document.getElementById("confirm");
  const style = shape.style === "danger" ? "button danger" : "button primary";
  const no = el("button", { class: "button", value: "no" }, words(shape.deny) || "Cancel");
  const yes = el("button", { class: style, value: "yes" }, words(shape.confirm) || "Yes");
  const title = el("h2", { id: "confirmtitle" }, words(shape.title));
  const buttons = el("div", { class: "buttons" }, no, yes);
  dialog.replaceChildren(el("form", { method: "dialog" }, title, el("p", {}, text(shape.text, names)), buttons));
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((answer) => {
    dialog.addEventListener("close", () => answer(dialog.returnValue === "yes"), { once: true });
  });
}
