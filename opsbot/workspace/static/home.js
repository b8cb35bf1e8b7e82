// The app's Home tab: one view per person, drawn anew whenever the app publishes it.
import { render } from "./blocks.js";
import { at, el, post } from "./dom.js";
import { state } from "./place.js";
import { reports } from "./report.js";

let values = {};
let id = null;

export function draw(view) {
  state.start.home = view;
  if (view?.id !== id) values = {};
  id = view?.id;
  const focused = at("home").contains(document.activeElement) ? document.activeElement.dataset.action : null;
  const blocks = view ? render(view.blocks, reports(values, { view_id: view.id })) : [empty()];
  at("home").replaceChildren(el("div", { class: "blocks" }, blocks));
  if (focused)
    at("home")
      .querySelector(`[data-action="${CSS.escape(focused)}"]`)
      ?.focus();
}

function empty() {
  return el(
    "div",
    { class: "empty" },
    el("h2", {}, "Nothing here yet"),
    el(
      "p",
      {},
      "This app has not shown anything on its Home tab. Write to it under Messages, or use a slash command in a channel.",
    ),
  );
}

// Tell the app that its tab is looked at; what it publishes then comes by the feed.
export async function opened(tab) {
  if (!state.start.app) return;
  const answer = await post("/page/home", { user: state.me, tab });
  if (answer.ok && tab === "home") draw(answer.view);
}
