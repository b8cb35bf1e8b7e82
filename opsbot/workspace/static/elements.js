// Block Kit's elements by type: buttons and menus here; what is chosen or typed in picker.js and fields.js.
import { el, icon } from "./dom.js";
import { words } from "./mrkdwn.js";
import { menu } from "./popup.js";

// How an element is called by a screen reader: by its block's label where it has one.
function named(block, element) {
  const id = block.labelled; // by blocks.js
  if (block.type === "input") {
    return { "aria-labelledby": `l-${id}`, "aria-describedby": `h-${id} f-${id}`, "data-action": element.action_id };
  }
  const label = words(element.placeholder) || block.text?.text || element.type.replaceAll("_", " ");
  return { "aria-label": element.accessibility_label ?? label, "data-action": element.action_id };
}

function button(block, element, on) {
  const style = element.style ? `button ${element.style}` : "button";
  const act = (event) => {
    if (element.url && /^https?:/i.test(element.url)) window.open(element.url, "_blank", "noopener");
    on.act(block, element, element.value ?? null, event.currentTarget);
  };
  const attributes = { type: "button", class: style, onclick: act, "data-action": element.action_id };
  return el("button", { ...attributes, "aria-label": element.accessibility_label }, words(element.text));
}

function overflow(block, element, on) {
  const attributes = { type: "button", class: "button square", "aria-label": "More actions", "data-action": element.action_id };
  const opener = el("button", attributes, icon("more"));
  const entries = () =>
    element.options.map((option) => ({ text: words(option.text), note: words(option.description), value: option }));
  const pick = (option) => {
    if (option.url && /^https?:/i.test(option.url)) window.open(option.url, "_blank", "noopener");
    on.act(block, element, option.value, opener);
  };
  return el("span", { class: "overflow" }, opener, menu(opener, entries, pick));
}

const ELEMENTS = { button, workflow_button: button, overflow };
let loading = null;
let loaded = false;

// What is chosen or typed comes when it is first needed.
export function load() {
  loading ??= Promise.all([import("./fields.js"), import("./picker.js")]).then(([fields, picker]) => {
    Object.assign(ELEMENTS, fields.FIELDS, picker.SELECTS);
    loaded = true;
  });
  return loading;
}

export function element(block, shape, on) {
  const make = ELEMENTS[shape.type];
  if (make) return make(block, shape, on, named(block, shape));
  if (loaded) return el("em", { class: "unknown" }, `(${shape.type} is not shown here)`);
  const holder = el("span");
  load().then(() => holder.replaceWith(element(block, shape, on)));
  return holder;
}
