// Block Kit's interactive elements. Each calls `on.change(block, element, value)` when a person has chosen.
import { el } from "./dom.js";
import { emoji } from "./mrkdwn.js";

export function words(text) {
  return text ? emoji(text.text) : "";
}

function label(block, element) {
  return words(block.label) || words(element.placeholder) || words(element.text) || block.text?.text || element.type;
}

function named(block, element) {
  return { "aria-label": label(block, element), "data-action": element.action_id };
}

function button(block, element, on) {
  const style = element.style ? `button ${element.style}` : "button";
  const act = () => {
    if (element.url) window.open(element.url, "_blank", "noopener");
    on.change(block, element, element.value ?? null);
  };
  const spoken = element.accessibility_label;
  const attributes = { type: "button", class: style, onclick: act, "data-action": element.action_id };
  return el("button", { ...attributes, "aria-label": spoken }, words(element.text));
}

function choice(option, chosen) {
  return el("option", { value: option.value, selected: option.value === chosen }, words(option.text));
}

function staticSelect(block, element, on) {
  const chosen = on.value(block, element) ?? element.initial_option?.value;
  const shown = (element.options ?? []).map((option) => choice(option, chosen));
  const groups = (element.option_groups ?? []).map((group) =>
    el("optgroup", { label: words(group.label) }, group.options.map((option) => choice(option, chosen))),
  );
  const empty = el("option", { value: "", selected: !chosen }, words(element.placeholder) || "Choose…");
  const change = (event) => on.change(block, element, event.target.value || null);
  return el("select", { ...named(block, element), onchange: change }, empty, shown, groups);
}

function known(list) {
  return (block, element, on) => {
    const options = on.known(list).map(([value, text]) => ({ value, text: { text } }));
    return staticSelect(block, { ...element, options }, on);
  };
}

// Typed text → the bot's suggestions → one of them.
function externalSelect(block, element, on) {
  const id = `options-${block.block_id}-${element.action_id}`;
  const list = el("datalist", { id });
  const offered = new Map();
  let waiting;
  const ask = async (typed) => {
    if (typed.length < (element.min_query_length ?? 3)) return;
    const options = await on.suggest(block, element, typed);
    list.replaceChildren(...options.map((option) => el("option", { value: words(option.text) })));
    options.forEach((option) => offered.set(words(option.text), option));
  };
  const typed = (event) => {
    clearTimeout(waiting);
    const option = offered.get(event.target.value);
    if (option) on.change(block, element, option);
    else waiting = setTimeout(() => ask(event.target.value), 150);
  };
  const attributes = { ...named(block, element), list: id, oninput: typed, onfocus: (event) => ask(event.target.value) };
  const initial = words(element.initial_option?.text);
  const field = el("input", { ...attributes, autocomplete: "off", value: initial, placeholder: words(element.placeholder) });
  return el("span", { class: "external" }, field, list);
}

function overflow(block, element, on) {
  const menu = el("details", { class: "overflow" }, el("summary", { "aria-label": "More actions" }, "⋯"));
  const pick = (option) => () => {
    menu.open = false;
    on.change(block, element, option.value);
  };
  const items = element.options.map((option) => el("button", { type: "button", onclick: pick(option) }, words(option.text)));
  menu.append(el("div", { class: "items" }, items));
  return menu;
}

function choices(kind) {
  return (block, element, on) => {
    const many = kind === "checkbox";
    const initial = many ? element.initial_options?.map((o) => o.value) : element.initial_option && [element.initial_option.value];
    const before = [on.value(block, element) ?? initial ?? []].flat();
    const name = `${block.block_id}-${element.action_id}`;
    const set = el("fieldset", { class: "choices" }, el("legend", { class: "hidden" }, label(block, element)));
    const change = () => {
      const values = [...set.querySelectorAll("input:checked")].map((input) => input.value);
      on.change(block, element, many ? values : (values[0] ?? null));
    };
    for (const option of element.options) {
      const attributes = { type: kind, name, value: option.value, checked: before.includes(option.value), onchange: change };
      const note = option.description ? el("small", {}, words(option.description)) : null;
      set.append(el("label", {}, el("input", attributes), el("span", {}, words(option.text), note)));
    }
    return set;
  };
}

function field(type) {
  return (block, element, on) => {
    const initial = element.initial_value ?? element.initial_date ?? element.initial_time ?? "";
    const value = on.value(block, element) ?? initial;
    const change = (event) => on.change(block, element, event.target.value || null);
    const long = { maxlength: element.max_length && String(element.max_length), placeholder: words(element.placeholder) };
    const attributes = { ...named(block, element), ...long, onchange: change };
    if (!element.multiline) return el("input", { type, ...attributes, value });
    const area = el("textarea", { ...attributes, rows: "4" });
    area.value = value;
    return area;
  };
}

const ELEMENTS = {
  button,
  overflow,
  static_select: staticSelect,
  external_select: externalSelect,
  users_select: known("users"),
  channels_select: known("channels"),
  conversations_select: known("channels"),
  radio_buttons: choices("radio"),
  checkboxes: choices("checkbox"),
  plain_text_input: field("text"),
  email_text_input: field("email"),
  url_text_input: field("url"),
  number_input: field("number"),
  datepicker: field("date"),
  timepicker: field("time"),
};

export function element(block, shape, on) {
  const make = ELEMENTS[shape.type];
  return make ? make(block, shape, on) : el("em", { class: "unknown" }, `(${shape.type} is not shown here)`);
}
