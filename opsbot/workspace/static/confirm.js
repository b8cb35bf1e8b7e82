// A question before a dangerous element acts, and a picture seen in full.
import { at, el, icon } from "./dom.js";
import { text, words } from "./mrkdwn.js";

// Answers true or false.
export function confirm(shape) {
  const dialog = at("confirm");
  const style = shape.style === "danger" ? "button danger filled" : "button primary";
  const no = el("button", { class: "button", value: "no" }, words(shape.deny) || "Cancel");
  const yes = el("button", { class: style, value: "yes" }, words(shape.confirm) || "Yes");
  const title = el("h2", { id: "confirmtitle" }, words(shape.title) || "Are you sure?");
  const buttons = el("div", { class: "buttons" }, no, yes);
  dialog.replaceChildren(el("form", { method: "dialog" }, title, el("div", { class: "question" }, text(shape.text)), buttons));
  dialog.returnValue = "no";
  dialog.showModal();
  yes.focus();
  return new Promise((answer) => {
    dialog.addEventListener("close", () => answer(dialog.returnValue === "yes"), { once: true });
  });
}

export function view(source, name) {
  const dialog = at("viewer");
  const leave = el(
    "button",
    { type: "button", class: "bare", "aria-label": "Close", onclick: () => dialog.close() },
    icon("close"),
  );
  const open = el("a", { href: source, target: "_blank", rel: "noopener noreferrer" }, "Open in a tab");
  dialog.replaceChildren(
    el("header", {}, el("h2", { id: "viewertitle" }, name), open, leave),
    el("img", { src: source, alt: name }),
  );
  dialog.showModal();
}
