// Ctrl+K: any channel, person or corner of the page by its name.
import { at, icon, post } from "./dom.js";
import * as place from "./place.js";
import { listbox } from "./popup.js";

const dialog = at("jump");
const field = at("jumptext");
const list = listbox(field, pick, { label: "Places", inline: true });
let entries = [];

function pick(entry) {
  dialog.close();
  entry.act();
}

function find() {
  const typed = field.value.trim().toLowerCase().replace(/^[#@]/, "");
  list.show(entries.filter((entry) => `${entry.text} ${entry.note ?? ""}`.toLowerCase().includes(typed)));
}

// `offers`: [{text, note?, before?, group, act}]
export function open(offers) {
  entries = offers;
  find();
}

export function places(go, become, corners) {
  const { me, start } = place.state;
  const channel = (one) => ({ text: `#${one.name}`, note: one.topic?.value, group: "Channels", act: () => go(one.id) });
  const person = (one) => ({
    text: `Be ${one.real_name}`,
    note: `@${one.name}`,
    before: place.faceOf(one),
    group: "People",
    act: () => become(one.id),
  });
  const run = (one) => ({
    text: one.name,
    note: "shortcut",
    group: "Apps",
    act: () => post("/page/shortcut", { user: me, callback_id: one.callback_id }),
  });
  return [
    ...start.channels.filter((one) => !one.is_im).map(channel),
    ...(start.shortcuts ?? []).filter((one) => one.type === "global").map(run),
    ...corners.map((one) => ({ ...one, group: "This page", before: icon(one.sign) })),
    ...place.people().map(person),
  ];
}

at("jumplist").replaceChildren(list.list);
field.addEventListener("input", find);
field.addEventListener("keydown", list.key);
dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
