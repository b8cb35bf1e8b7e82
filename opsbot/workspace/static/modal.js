// The dialog on top of the person's screen: its fields, its faults, its submit and close.
import { confirm, render } from "./blocks.js";
import { el, post, toast } from "./dom.js";
import { words } from "./elements.js";

const dialog = document.getElementById("modal");
const typed = new Map(); // view id → {block_id: {action_id: value}}
let shown = null;

export function show(views, place) {
  for (const id of typed.keys()) if (!views.some((view) => view.id === id)) typed.delete(id);
  const view = views.at(-1);
  if (view && shown?.id === view.id && shown.hash === view.hash) return;
  shown = view ?? null;
  if (!view) return dialog.close();
  if (!typed.has(view.id)) typed.set(view.id, {});
  dialog.replaceChildren(form(view, place));
  if (!dialog.open) dialog.showModal();
  dialog.querySelector("input, textarea, select")?.focus();
}

function form(view, place) {
  const values = typed.get(view.id);
  const on = {
    known: place.known,
    value: (block, element) => values[block.block_id]?.[element.action_id],
    suggest: async (block, element, text) => {
      const asked = { user: place.me(), view_id: view.id, action_id: element.action_id, typed: text };
      return (await post("suggest", asked)).options ?? [];
    },
    change: async (block, element, value) => {
      (values[block.block_id] ??= {})[element.action_id] = value;
      if (block.type === "input" && !block.dispatch_action) return;
      if (element.confirm && !(await confirm(element.confirm, place.names()))) return;
      const acted = { user: place.me(), view_id: view.id, action_id: element.action_id, value, values };
      const answer = await post("act", acted);
      if (!answer.ok) toast(`The bot did not answer (${answer.result ?? answer.error}).`);
    },
  };
  const cancel = el("button", { type: "button", class: "button", onclick: () => close(view, place) }, words(view.close) || "Cancel");
  const send = view.submit ? el("button", { class: "button primary" }, words(view.submit)) : null;
  const title = el("h2", { id: "modaltitle" }, words(view.title));
  const fault = el("p", { class: "fault", role: "alert", "data-fault": "" });
  const body = el("div", { class: "modalbody" }, render(view.blocks, place.names(), on), fault);
  const submit = (event) => {
    event.preventDefault();
    submitted(view, values, place, send);
  };
  return el("form", { onsubmit: submit, novalidate: true }, title, body, el("div", { class: "buttons" }, cancel, send));
}

async function submitted(view, values, place, button) {
  document.activeElement?.blur(); // a text field reports when it is left
  button.disabled = true;
  const answer = await post("submit", { user: place.me(), view_id: view.id, values });
  button.disabled = false;
  for (const field of dialog.querySelectorAll("[data-fault]")) {
    field.textContent = answer.errors?.[field.dataset.fault] ?? "";
  }
  if (!answer.ok && !answer.errors) toast(`This could not be sent: ${answer.error}.`);
}

async function close(view, place) {
  await post("close", { user: place.me(), view_id: view.id });
}

export function closeOnEscape(place) {
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    if (shown) close(shown, place);
  });
}
