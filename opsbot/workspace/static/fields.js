// What is typed, ticked, dated or uploaded: text, numbers, dates, times, boxes, radio buttons, files.
import { el, upload as send } from "./dom.js";
import { text, words } from "./mrkdwn.js";
import { state, zone } from "./place.js";

const some = (value) => (value === undefined || value === null ? null : String(value));

function field(type) {
  return (block, element, on, named) => {
    const rich = element.type === "rich_text_input";
    const initial = element.initial_value ?? element.initial_date ?? element.initial_time ?? "";
    const before = on.value(block, element) ?? initial;
    const sent = (value) => (value && rich ? richText(value) : value || null);
    const limits = {
      maxlength: some(element.max_length),
      minlength: some(element.min_length),
      min: some(element.min_value),
      max: some(element.max_value),
    };
    const step =
      type === "number"
        ? { step: element.is_decimal_allowed ? "any" : "1", inputmode: element.is_decimal_allowed ? "decimal" : "numeric" }
        : {};
    const long = element.multiline || rich;
    const made = el(long ? "textarea" : "input", {
      ...named,
      ...limits,
      ...step,
      type: long ? null : type,
      rows: long ? "4" : null,
      placeholder: words(element.placeholder) || null,
    });
    made.value = typeof before === "string" ? before : plainOf(before);
    const when = element.dispatch_action_config?.trigger_actions_on ?? ["on_enter_pressed"];
    const dispatched = block.type !== "input" || block.dispatch_action;
    let waiting;
    made.addEventListener("input", () => {
      on.set(block, element, sent(made.value));
      clearTimeout(waiting);
      if (dispatched && when.includes("on_character_entered"))
        waiting = setTimeout(() => on.act(block, element, sent(made.value)), 300);
    });
    if (dispatched && ["date", "time"].includes(type))
      made.addEventListener("change", () => on.act(block, element, sent(made.value)));
    made.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || long || event.isComposing || !dispatched || !when.includes("on_enter_pressed")) return;
      event.preventDefault();
      on.act(block, element, sent(made.value));
    });
    return made;
  };
}

function richText(value) {
  return { type: "rich_text", elements: [{ type: "rich_text_section", elements: [{ type: "text", text: value }] }] };
}

function plainOf(rich) {
  if (!rich?.elements) return String(rich ?? "");
  return rich.elements
    .flatMap((part) => part.elements ?? [])
    .map((leaf) => leaf.text ?? leaf.url ?? "")
    .join("");
}

let groups = 0;

function choices(kind) {
  return (block, element, on, named) => {
    const many = kind === "checkbox";
    const initial = many
      ? element.initial_options?.map((option) => option.value)
      : element.initial_option && [element.initial_option.value];
    const before = [on.value(block, element) ?? initial ?? []].flat();
    const name = `choices${++groups}`; // the same card may stand there several times
    const set = el("div", { ...named, class: "choices", role: many ? "group" : "radiogroup" });
    const change = () => {
      const values = [...set.querySelectorAll("input:checked")].map((input) => input.value);
      on.change(block, element, many ? values : (values[0] ?? null));
    };
    for (const option of element.options) {
      const attributes = { type: kind, name, value: option.value, checked: before.includes(option.value), onchange: change };
      const note = option.description ? el("small", {}, text(option.description)) : null;
      set.append(el("label", {}, el("input", attributes), el("span", {}, text(option.text), note)));
    }
    return set;
  };
}

// Wall time in a person's zone ↔ epoch seconds, whatever zone the browser itself is in.
function wall(seconds) {
  return new Intl.DateTimeFormat("sv-SE", { timeZone: zone(), dateStyle: "short", timeStyle: "short" })
    .format(new Date(seconds * 1000))
    .replace(" ", "T");
}

function epoch(typed) {
  const asUtc = Date.parse(`${typed}Z`) / 1000;
  const shift = (at) => Date.parse(`${wall(at)}Z`) / 1000 - at;
  return asUtc - shift(asUtc - shift(asUtc));
}

function moments(block, element, on, named) {
  const before = on.value(block, element) ?? element.initial_date_time;
  const change = (event) => on.change(block, element, event.target.value ? epoch(event.target.value) : null);
  return el("input", { ...named, type: "datetime-local", value: before ? wall(before) : "", onchange: change });
}

function upload(block, element, on, named) {
  const accept = (element.filetypes ?? []).map((type) => `.${type}`).join(",");
  const change = async (event) => {
    const files = [...event.target.files].slice(0, element.max_files ?? 10);
    const where = { user: state.me, channel: state.start.app.dm }; // every file is somewhere: here, with the app alone
    const sent = await Promise.all(files.map((file) => send(file, where)));
    const ids = sent.filter((one) => one.ok).map((one) => one.file.id);
    on.change(block, element, ids);
  };
  return el("input", {
    ...named,
    type: "file",
    accept: accept || null,
    multiple: (element.max_files ?? 10) > 1,
    onchange: change,
  });
}

export const FIELDS = {
  radio_buttons: choices("radio"),
  checkboxes: choices("checkbox"),
  plain_text_input: field("text"),
  rich_text_input: field("text"),
  email_text_input: field("email"),
  url_text_input: field("url"),
  number_input: field("number"),
  datepicker: field("date"),
  timepicker: field("time"),
  datetimepicker: moments,
  file_input: upload,
};
