// Where one writes: suggestions as one types (commands, people, channels, emoji), what was sent before, files.
import { at, post, toast, upload } from "./dom.js";
import { EMOJI } from "./emoji.js";
import * as place from "./place.js";
import { listbox } from "./popup.js";

const { state } = place;
const SENT = 30;

// What this person sent before, newest first.
const sentBefore = () => JSON.parse(localStorage.getItem(`sent ${state.me}`) ?? "[]");

// `look [AT] | go TO` → verbs with the words that follow them.
function verbs(usage) {
  const parts = usage.split(" | ").map((one) => one.match(/^([^A-Z[]*)(.*)$/));
  return parts.map(([, verb, words]) => ({ verb: verb.trim(), words })).filter((one) => one.verb);
}

// The commands that begin as the text does; then what was sent before, and the verbs; after a verb, what follows it.
function commands(text) {
  const [name, ...rest] = text.split(" ");
  const known = Object.entries(state.start.commands);
  if (!rest.length) {
    const note = (usage) => verbs(usage).map((one) => one.verb).join(", ");
    return known.filter(([one]) => one.startsWith(name)).map(([one, usage]) => ({ text: one, note: note(usage), put: `${one} ` }));
  }
  const usage = known.find(([one]) => one === name)?.[1];
  if (usage === undefined) return [];
  const before = sentBefore().filter((one) => one.startsWith(text) && one !== text).slice(0, 4);
  const entries = verbs(usage).map(({ verb, words }) => ({ text: `${name} ${verb}`, note: words, put: `${name} ${verb} ` }));
  const meant = entries.find((one) => text.startsWith(one.put)); // typed already: what may follow is shown, nothing is put
  return [
    ...before.map((one) => ({ text: one, note: "sent before", put: one })),
    ...entries.filter((one) => one.put.startsWith(text) && one.put !== text && !before.includes(one.text)),
    ...(meant?.note ? [{ ...meant, put: text }] : []),
  ];
}

const named = (sign, name, note, before) => ({ text: sign + name, note, key: `${name} ${note}`, put: sign + name, before });

const TOKENS = {
  "@": () => [
    ...state.start.users.filter((one) => !one.deleted).map((one) => named("@", one.name, one.real_name, place.faceOf(one))),
    ...state.start.groups.map((one) => named("@", one.name, "group")),
  ],
  "#": () => state.start.channels.filter((one) => !one.is_im).map((one) => named("#", one.name, one.topic?.value)),
  ":": () =>
    Object.entries(EMOJI).map(([name, sign]) => ({ text: `${sign}  ${name.replaceAll("_", " ")}`, key: name, put: `:${name}:` })),
};

function token(text) {
  const [, sign, typed] = text.match(/(?:^|\s)([@#:])([\w+-]*)$/) ?? [];
  if (!sign || (sign === ":" && typed.length < 2)) return null;
  const begins = (one) => ` ${one.key}`.toLowerCase().includes(` ${typed.toLowerCase()}`);
  const found = TOKENS[sign]().filter((one) => begins(one) || (sign === ":" && one.key.includes(typed)));
  const done = found.some((one) => one.put === sign + typed); // all typed already: Enter sends
  return done ? null : { from: text.length - typed.length - 1, found: found.slice(0, 8) };
}

export function composer(form, field, thread) {
  const list = listbox(field, pick, { label: "Suggestions", anchor: form });
  let from = 0;
  let recalled = -1;
  form.append(list.list);

  function suggest() {
    const text = field.value.slice(0, field.selectionStart);
    const found = text.startsWith("/") && !thread() ? { from: 0, found: commands(text) } : token(text);
    if (!found?.found.length) return list.hide();
    from = found.from;
    list.show(found.found, text.startsWith("/") ? -1 : 0);
  }

  function pick(entry) {
    if (entry.put === field.value.slice(from, field.selectionStart)) return list.hide();
    field.setRangeText(entry.put + (entry.put.endsWith(" ") || from === 0 ? "" : " "), from, field.selectionStart, "end");
    list.hide();
    changed();
    if (entry.put.startsWith("/") && entry.put.endsWith(" ")) suggest();
  }

  function changed() {
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight, 200)}px`;
    form.classList.toggle("ready", Boolean(field.value.trim()));
  }

  function recall(step) {
    const before = sentBefore();
    recalled = Math.max(-1, Math.min(before.length - 1, (field.value ? recalled : -1) + step));
    field.value = before[recalled] ?? "";
    changed();
  }

  const inThread = () => (thread() ? { thread_ts: thread() } : {});

  async function send() {
    const text = field.value.trim();
    if (!text) return;
    const said = { user: state.me, channel: state.channel, text, ...inThread() };
    if (thread()) said.broadcast = at("broadcast").checked;
    at("broadcast").checked = false;
    field.value = "";
    recalled = -1;
    list.hide();
    changed();
    remember(text);
    const answer = await post("/page/say", said);
    if (answer.ok || answer.result) return; // what went wrong with a command, Slackbot says
    toast(answer.error);
    field.value ||= text;
    changed();
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  field.addEventListener("keydown", (event) => {
    if (list.key(event) || event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      send();
    }
    const browsing = !field.value || (recalled >= 0 && field.value === sentBefore()[recalled]);
    if (browsing && ["ArrowUp", "ArrowDown"].includes(event.key)) {
      event.preventDefault();
      recall(event.key === "ArrowUp" ? 1 : -1);
    }
  });
  field.addEventListener("input", () => {
    changed();
    suggest();
  });
  field.addEventListener("blur", list.hide);
  form.addEventListener("click", (event) => event.target === form && field.focus());
  for (const button of form.querySelectorAll("[data-put]"))
    button.addEventListener("click", () => {
      const gap = field.value && !/\s$/.test(field.value) ? " " : "";
      field.focus();
      field.setRangeText(gap + button.dataset.put, field.value.length, field.value.length, "end");
      changed();
      suggest();
    });
  for (const input of form.querySelectorAll("input[type=file]"))
    input.addEventListener("change", async () => {
      for (const file of input.files) await upload(file, { user: state.me, channel: state.channel, ...inThread() });
      input.value = "";
    });
}

function remember(text) {
  const others = sentBefore().filter((one) => one !== text);
  localStorage.setItem(`sent ${state.me}`, JSON.stringify([text, ...others].slice(0, SENT)));
}
