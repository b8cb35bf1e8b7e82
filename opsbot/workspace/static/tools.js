// What can be done with a message: react, answer, link, shortcuts of the app; edit and delete one's own.
import { el, icon, post, toast } from "./dom.js";
import { react } from "./message.js";
import { emoji, plain } from "./mrkdwn.js";
import * as place from "./place.js";
import { menu } from "./popup.js";

const REACTIONS = ["+1", "eyes", "white_check_mark", "tada", "heart", "thinking_face"];
const { state } = place;

function tool(name, sign, onclick) {
  return el("button", { type: "button", class: "bare", "aria-label": name, title: name, onclick }, icon(sign));
}

// `openThread` is null inside the thread itself.
export function toolbar(shape, openThread, item) {
  const about = { user: state.me, channel: shape.channel, ts: shape.ts };
  const smile = tool("React", "smile");
  const faces = () => REACTIONS.map((name) => ({ value: name, text: `${emoji(`:${name}:`)} ${name.replaceAll("_", " ")}` }));
  const reply = openThread && tool("Reply in a thread", "reply", () => openThread(shape.ts));
  const more = tool("More about this message", "more");
  const acts = () => [
    { text: "Copy the link", value: () => copy(shape) },
    ...(place.isMe(shape.user)
      ? [
          { text: "Edit", value: () => edit(shape, item) },
          { text: "Delete", value: () => told("/page/delete", about) },
        ]
      : []),
    ...(state.start.shortcuts ?? [])
      .filter((one) => one.type === "message")
      .map((one) => ({
        text: one.name,
        note: "shortcut",
        value: () => told("/page/shortcut", { ...about, callback_id: one.callback_id }),
      })),
  ];
  return el(
    "div",
    { class: "tools" },
    smile,
    menu(smile, faces, (name) => react(shape, name)),
    reply,
    more,
    menu(more, acts, (act) => act()),
  );
}

async function told(path, body) {
  const answer = await post(path, body);
  if (!answer.ok && !answer.result) toast(answer.error);
  return answer;
}

async function copy(shape) {
  try {
    await navigator.clipboard.writeText(`${location.origin}/archives/${shape.channel}/p${shape.ts.replace(".", "")}`);
    toast("The link is copied.");
  } catch {
    toast("This browser did not let us copy.");
  }
}

// The text as it was typed.
function typed(text) {
  const names = { "@": (id) => `@${place.userName(id)}`, "#": (id) => `#${place.channelName(id)}`, "!": (word) => `@${word}` };
  return plain(text.replace(/<([@#!]?)([^>|]+)(?:\|[^>]*)?>/g, (_, sign, rest) => (sign ? names[sign](rest) : rest)));
}

function edit(shape, item) {
  const body = item.querySelector(".body > .text");
  const field = el("textarea", { "aria-label": "Edit the message", rows: "2" });
  field.value = typed(shape.text);
  const back = () => form.replaceWith(body);
  const save = async (event) => {
    event.preventDefault();
    const answer = await told("/page/edit", { user: state.me, channel: shape.channel, ts: shape.ts, text: field.value });
    if (answer.ok) back();
  };
  const buttons = [
    el("button", { type: "button", class: "button small", onclick: back }, "Cancel"),
    el("button", { class: "button small primary" }, "Save"),
  ];
  const form = el("form", { class: "edit", onsubmit: save }, field, el("div", { class: "b-actions" }, buttons));
  form.addEventListener("keydown", (event) => {
    const sends = event.key === "Enter" && !event.shiftKey && event.target === field;
    if (!sends && event.key !== "Escape") return;
    event.preventDefault();
    if (sends) form.requestSubmit();
    else back();
  });
  body.replaceWith(form);
  field.focus();
}
