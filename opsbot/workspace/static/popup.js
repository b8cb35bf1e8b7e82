// What opens beside the thing that was pressed, in the browser's top layer: menus, and lists under a text field.
import { el } from "./dom.js";

let made = 0;

function put(popup, anchor) {
  const box = anchor.getBoundingClientRect();
  popup.style.minWidth = `${Math.min(box.width, innerWidth - 16)}px`;
  if (popup.matches(".list")) popup.style.maxWidth = `${Math.max(box.width, 240)}px`;
  popup.style.maxHeight = `${Math.max(160, Math.min(360, Math.max(box.top, innerHeight - box.bottom) - 16))}px`;
  const { offsetWidth: width, offsetHeight: height } = popup;
  const below = box.bottom + 4 + height <= innerHeight || box.top < height;
  popup.style.left = `${Math.max(8, Math.min(box.left, innerWidth - width - 8))}px`;
  popup.style.top = `${below ? box.bottom + 4 : box.top - height - 4}px`;
}

// Up, down, Home and End move the focus between these elements.
export function arrows(event, elements) {
  const from = elements.indexOf(document.activeElement);
  const to = { ArrowDown: from + 1, ArrowUp: from - 1, Home: 0, End: elements.length - 1 }[event.key];
  if (to === undefined || !elements.length) return;
  event.preventDefault();
  elements[(to + elements.length) % elements.length].focus();
}

// A menu of a button. `entries()` → [{text, note?, value, checked?, before?}], asked each time it opens.
export function menu(button, entries, pick) {
  const list = el("div", { class: "popup menu", role: "menu", popover: "auto", id: `menu${++made}` });
  button.setAttribute("aria-haspopup", "menu");
  button.setAttribute("aria-expanded", "false");
  button.popoverTargetElement = list;
  const item = (entry) => {
    const role = entry.checked === undefined ? "menuitem" : "menuitemradio";
    const act = () => {
      list.hidePopover();
      pick(entry.value);
    };
    const words = el("span", {}, entry.text, entry.note ? el("small", {}, entry.note) : null);
    const checked = entry.checked === undefined ? null : String(entry.checked);
    return el("button", { type: "button", role, tabindex: "-1", "aria-checked": checked, onclick: act }, entry.before, words);
  };
  list.addEventListener("beforetoggle", (event) => event.newState === "open" && list.replaceChildren(...entries().map(item)));
  list.addEventListener("toggle", (event) => {
    button.setAttribute("aria-expanded", String(event.newState === "open"));
    if (event.newState !== "open") return;
    put(list, button);
    (list.querySelector("[aria-checked=true]") ?? list.firstElementChild)?.focus();
  });
  list.addEventListener("keydown", (event) => arrows(event, [...list.children]));
  return list;
}

// Options that follow one another and have the same group, under its name.
function grouped(options) {
  if (!options.length) return [el("div", { role: "option", "aria-disabled": "true", class: "none" }, "Nothing found")];
  const nodes = [];
  for (const { entry, node } of options) {
    const last = nodes.at(-1);
    if (!entry.group) nodes.push(node);
    else if (last?.ariaLabel === entry.group) last.append(node);
    else {
      const head = el("div", { class: "group", "aria-hidden": "true" }, entry.group);
      nodes.push(el("div", { role: "group", "aria-label": entry.group }, head, node));
    }
  }
  return nodes;
}

// Options under a text field that keeps the focus. `pick(option)` gets what `show` was given.
// `inline`: the list stands where it is put and is always open.
export function listbox(field, pick, { label, anchor = field, inline = false }) {
  const id = `list${++made}`;
  const list = el("div", { id, role: "listbox", class: inline ? "list" : "popup list", "aria-label": label });
  if (!inline) list.setAttribute("popover", "manual");
  const boxed = field.tagName === "INPUT"; // a textarea may not be called a combobox
  if (boxed) field.setAttribute("role", "combobox");
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-controls", id);
  let shown = [];
  let active = -1;
  expanded(inline);

  function expanded(open) {
    if (boxed) field.setAttribute("aria-expanded", String(open));
  }

  function mark(index) {
    active = index;
    shown.forEach(({ node }, at) => node.classList.toggle("active", at === index));
    if (index < 0) return field.removeAttribute("aria-activedescendant");
    field.setAttribute("aria-activedescendant", shown[index].node.id);
    shown[index].node.scrollIntoView({ block: "nearest" });
  }

  function option(entry, index) {
    const words = el("span", { class: "words" }, entry.text, entry.note ? el("small", {}, entry.note) : null);
    const node = el(
      "div",
      { id: `${id}-${index}`, role: "option", "aria-selected": String(Boolean(entry.selected)) },
      entry.before,
      words,
    );
    node.addEventListener("mousedown", (event) => event.preventDefault()); // the field keeps the focus
    node.addEventListener("click", () => pick(entry));
    return { entry, node };
  }

  // entries: [{text, note?, before?, selected?, group?, …}]; `first` is marked at once (-1: none)
  function show(entries, first = 0) {
    shown = entries.map(option);
    list.replaceChildren(...grouped(shown));
    if (!inline && !list.matches(":popover-open")) list.showPopover();
    if (!inline) put(list, anchor);
    expanded(true);
    mark(Math.min(first, shown.length - 1));
  }

  function hide() {
    if (inline || !list.matches(":popover-open")) return;
    list.hidePopover();
    expanded(false);
    mark(-1);
  }

  const open = () => inline || list.matches(":popover-open");

  // True: the key was meant for the list.
  function key(event) {
    if (!open() || event.isComposing) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && shown.length) mark((active + step + shown.length + (active < 0 && step < 0 ? 1 : 0)) % shown.length);
    else if (event.key === "Enter" && active >= 0) pick(shown[active].entry);
    else if (event.key === "Tab" && !inline && !boxed && shown.length) pick(shown[Math.max(0, active)].entry);
    else if (event.key === "Escape" && !inline) hide();
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  addEventListener(
    "scroll",
    (event) => open() && !inline && !list.contains(event.target) && (field.isConnected ? put(list, anchor) : hide()),
    true,
  );
  return { list, show, hide, open, key };
}
