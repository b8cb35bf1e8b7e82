// The dialog on top of the person's screen: its fields, its faults, its submit and close.
import { render } from "./blocks.js";
import { at, el, icon, post, toast } from "./dom.js";
import { load } from "./elements.js";
import { words } from "./mrkdwn.js";
import { faceOf, state, user } from "./place.js";
import { reports } from "./report.js";

const dialog = at("modal");
const typed = new Map(); // view id → {block_id: {action_id: value}}
let shown = null;

// The stack of views, bottom first; the last one is shown.
export async function show(views) {
  await load();
  for (const id of typed.keys()) if (!views.some((view) => view.id === id)) typed.delete(id);
  const view = views.at(-1);
  if (view && shown?.id === view.id && shown.hash === view.hash) return;
  const same = view && shown?.id === view.id;
  const before = same && dialog.contains(document.activeElement) ? document.activeElement : null;
  const scrolled = same ? (dialog.querySelector(".modalbody")?.scrollTop ?? 0) : 0;
  shown = view ?? null;
  if (!view) return dialog.close();
  if (!typed.has(view.id)) typed.set(view.id, {});
  if (same) forget(view);
  dialog.replaceChildren(form(view));
  if (!dialog.open) dialog.showModal();
  dialog.querySelector(".modalbody").scrollTop = scrolled;
  if (!again(before))
    (dialog.querySelector(".modalbody :is(input, textarea)") ?? dialog.querySelector(".primary") ?? dialog).focus();
}

// An update leaves the person where they were: the same field, the same letters, the same place in them.
function again(before) {
  const now = before?.dataset.action && dialog.querySelector(`[data-action="${CSS.escape(before.dataset.action)}"]`);
  if (!now) return false;
  now.focus();
  if (!now.matches("textarea, input[type=text]")) return true;
  if (now.value !== before.value) {
    now.value = before.value;
    now.dispatchEvent(new Event("input"));
  }
  now.setSelectionRange(before.selectionStart, before.selectionEnd);
  return true;
}

// What was typed into inputs that an update took away is not sent.
function forget(view) {
  const values = typed.get(view.id);
  const ids = new Set(view.blocks.map((block) => block.block_id));
  for (const id of Object.keys(values)) if (!ids.has(id)) delete values[id];
}

function form(view) {
  const values = typed.get(view.id);
  const on = reports(values, { view_id: view.id });
  const cancel = el(
    "button",
    { type: "button", class: "button", onclick: () => close(view, view.clear_on_close) },
    words(view.close) || (view.previous_view_id ? "Back" : "Cancel"),
  );
  const send = view.submit
    ? el("button", { class: "button primary", "aria-disabled": view.submit_disabled ? "true" : null }, words(view.submit))
    : null;
  const leave = el(
    "button",
    { type: "button", class: "bare", "aria-label": "Close the dialog", onclick: () => close(view, true) },
    icon("close"),
  );
  const head = el("header", {}, faceOf(user(state.start.bot)), el("h2", { id: "modaltitle" }, words(view.title)), leave);
  const fault = el("p", { class: "fault whole", role: "alert", "data-fault": "" });
  const body = el(
    "div",
    { class: "modalbody", tabindex: "0", role: "group", "aria-labelledby": "modaltitle" },
    el("div", { class: "blocks" }, render(view.blocks, on)),
  );
  const submit = (event) => {
    event.preventDefault();
    if (send && !view.submit_disabled) submitted(view, values, send);
  };
  return el("form", { onsubmit: submit, novalidate: "" }, head, body, fault, el("div", { class: "buttons" }, cancel, send));
}

async function submitted(view, values, button) {
  if (button.ariaBusy === "true") return;
  button.ariaBusy = "true";
  const answer = await post("/page/submit", { user: state.me, view_id: view.id, values });
  button.ariaBusy = null;
  for (const field of dialog.querySelectorAll("[data-fault]")) {
    field.textContent = answer.errors?.[field.dataset.fault] ?? "";
    const input = field.dataset.fault && field.parentElement.querySelector("[data-action]");
    if (input) input.ariaInvalid = field.textContent ? "true" : null;
  }
  if (!answer.ok && !answer.errors) toast(`This could not be sent: ${answer.error}`);
  const wrong = dialog.querySelector("[aria-invalid=true]");
  if (wrong) (wrong.matches("input, textarea") ? wrong : wrong.querySelector("input"))?.focus();
}

async function close(view, whole) {
  const answer = await post("/page/close", { user: state.me, view_id: view.id, whole_stack: Boolean(whole) });
  if (!answer.ok) dialog.close();
}

dialog.addEventListener("cancel", (event) => {
  event.preventDefault();
  if (shown && event.target === dialog) close(shown, shown.clear_on_close);
});
// Where the browser closed it by itself (a second Escape), the workspace is to know.
dialog.addEventListener("close", () => shown && close(shown, true));
