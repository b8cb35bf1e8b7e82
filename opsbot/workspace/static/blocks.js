// Block Kit's layout → nodes. `on` is what elements report to (see report.js).
import { el, icon } from "./dom.js";
import { element } from "./elements.js";
import { link, plain, text, words } from "./mrkdwn.js";

function picture(shape, kind) {
  const { id, url = id && `/files/${encodeURIComponent(id)}` } = shape.slack_file ?? {};
  const source = shape.image_url ?? url ?? "";
  return el("img", { class: kind, src: safe(source), alt: shape.alt_text ?? "", loading: "lazy" });
}

const safe = (source) => (/^(https?:|\/files\/)/i.test(source) ? source : null);

// A picture that opens in full when it is pressed.
export function figure(shape, title) {
  const image = picture(shape, "wide");
  const open = async () => (await import("./confirm.js")).view(image.src, title || image.alt);
  const label = `Open the picture: ${image.alt || title}`;
  const opener = el("button", { type: "button", class: "zoom", "aria-label": label, onclick: open }, image);
  return el("figure", { class: "b-image" }, title ? el("figcaption", {}, title) : null, opener);
}

// Rich text, Markdown and tables come when one is first shown; who read the newest message goes on reading it.
function later(block) {
  const holder = el("div");
  const show = ({ draw }) => {
    const log = holder.closest("[role=log]");
    const end = log && log.scrollHeight - log.scrollTop - log.clientHeight < 80;
    holder.replaceWith(draw(block));
    if (end) log.scrollTop = log.scrollHeight;
  };
  import("./markdown.js").then(show, () => holder.append("This part could not be loaded: load the page again."));
  return holder;
}

let inputs = 0;

export const BLOCKS = {
  header: (block) => el("h2", { class: "b-header" }, words(block.text)),
  divider: () => el("hr"),
  section(block, on) {
    const body = el("div", { class: "b-text" }, block.text ? el("div", { class: "text" }, text(block.text)) : null);
    if (block.fields)
      body.append(
        el(
          "div",
          { class: "b-fields" },
          block.fields.map((field) => el("div", { class: "text" }, text(field))),
        ),
      );
    const { accessory } = block;
    if (!accessory) return el("div", { class: "b-section" }, body);
    const beside = accessory.type === "image" ? picture(accessory, "thumb") : element(block, accessory, on);
    return el("div", { class: "b-section" }, body, el("div", { class: "b-beside" }, beside));
  },
  context(block) {
    const parts = block.elements.map((part) => (part.type === "image" ? picture(part, "tiny") : el("span", {}, text(part))));
    return el("div", { class: "b-context" }, parts);
  },
  actions: (block, on) =>
    el(
      "div",
      { class: "b-actions" },
      block.elements.map((part) => element(block, part, on)),
    ),
  image: (block) => figure(block, words(block.title)),
  input(block, on) {
    const id = `i${++inputs}`; // the same block may stand in several messages
    const made = element({ ...block, labelled: id }, block.element, on);
    const optional = block.optional ? el("small", {}, " (optional)") : null;
    const title = el("div", { class: "label", id: `l-${id}` }, words(block.label), optional);
    const hint = el("p", { class: "hint", id: `h-${id}` }, words(block.hint));
    const fault = el("p", { class: "fault", id: `f-${id}`, "data-fault": block.block_id });
    const whole = el("div", { class: "b-input" }, title, made, fault, hint);
    title.addEventListener("click", () => whole.querySelector("input, textarea")?.focus());
    return whole;
  },
  markdown: later,
  table: later,
  rich_text: later,
  file: (block) => el("p", { class: "file" }, icon("file"), `A file of another service (${block.external_id})`),
  video: (block) => el("p", {}, link(block.title_url ?? block.video_url ?? "", words(block.title))),
};

export function render(blocks, on) {
  return blocks.map((block) => {
    const make = BLOCKS[block.type];
    return make ? make(block, on) : el("p", { class: "unknown" }, `(${plain(String(block.type))} is not shown here)`);
  });
}
