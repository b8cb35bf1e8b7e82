// Selects of every kind, one or many: a field that searches, a list under it, and chips for what was chosen.
import { el, icon } from "./dom.js";
import { text, words } from "./mrkdwn.js";
import * as place from "./place.js";
import { listbox } from "./popup.js";

const SOURCES = {
  users: () =>
    place.state.start.users
      .filter((one) => !one.deleted)
      .map((one) => known(one.id, one.real_name, `@${one.name}`, place.faceOf(one))),
  channels: () =>
    place.state.start.channels.filter((one) => !one.is_im).map((one) => known(one.id, `#${one.name}`, one.topic?.value)),
  conversations: () => [...SOURCES.channels(), ...SOURCES.users().filter((entry) => !place.user(entry.value).is_bot)],
};

function known(value, name, note, before) {
  return { value, name, text: name, note, before };
}

function fromOption(option, group) {
  return {
    value: option.value,
    option,
    name: words(option.text),
    text: text(option.text),
    note: option.description && text(option.description),
    group,
  };
}

function fromOptions(holder) {
  const grouped = (holder.option_groups ?? []).flatMap((group) =>
    group.options.map((option) => fromOption(option, words(group.label))),
  );
  return [...(holder.options ?? []).map((option) => fromOption(option)), ...grouped];
}

// What is chosen before anybody touched it.
function initial(kind, many, element) {
  if (["static", "external"].includes(kind)) {
    return (many ? (element.initial_options ?? []) : [element.initial_option].filter(Boolean)).map((option) =>
      fromOption(option),
    );
  }
  const one = { users: "user", channels: "channel", conversations: "conversation" }[kind];
  const ids = many ? (element[`initial_${kind}`] ?? []) : [element[`initial_${one}`]].filter(Boolean);
  return ids.map((id) => SOURCES[kind]().find((entry) => entry.value === id) ?? known(id, id));
}

function picker(kind, many) {
  return (block, element, on, named) => {
    const sent = (entry) => (kind === "external" ? entry.option : entry.value);
    const before = on.value(block, element);
    let chosen = before === undefined ? initial(kind, many, element) : [before ?? []].flat().map(again);
    const most = many ? (element.max_selected_items ?? Infinity) : 1;
    const placeholder = words(element.placeholder) || "Choose…";
    const input = el("input", { ...named, type: "text", autocomplete: "off", spellcheck: "false" });
    const chips = el("span", { class: "chips" });
    const box = el("div", { class: "picker" }, chips, input, icon("down"));
    const list = listbox(input, pick, { label: placeholder, anchor: box });
    let asked = 0; // an answer to an earlier question is not shown
    box.append(list.list);

    function again(value) {
      if (value?.value) return fromOption(value);
      return (kind === "external" ? [] : all()).find((entry) => entry.value === value) ?? known(value, String(value));
    }

    function draw() {
      input.value = many ? "" : (chosen[0]?.name ?? "");
      input.placeholder = many && chosen.length ? "" : placeholder;
      chips.replaceChildren(...(many ? chosen.map(chip) : []));
    }

    function chip(entry) {
      const drop = () => report(chosen.filter((one) => one !== entry));
      return el(
        "span",
        { class: "chip" },
        entry.name,
        el("button", { type: "button", "aria-label": `Remove ${entry.name}`, onclick: drop }, icon("close")),
      );
    }

    function report(now) {
      chosen = now;
      draw();
      on.change(block, element, many ? chosen.map(sent) : chosen.length ? sent(chosen[0]) : null);
    }

    function pick(entry) {
      asked += 1;
      list.hide();
      const has = chosen.some((one) => one.value === entry.value);
      if (!many) report([entry]);
      else if (has) report(chosen.filter((one) => one.value !== entry.value));
      else if (chosen.length < most) report([...chosen, entry]);
      else draw();
    }

    function all() {
      return kind === "static" ? fromOptions(element) : SOURCES[kind]();
    }

    function search(typed) {
      const mine = ++asked;
      if (kind !== "external") return show(all().filter((entry) => fits(entry, typed)));
      if (typed.length < (element.min_query_length ?? 3)) return list.hide();
      const ask = async () => {
        const answer = mine === asked ? await on.suggest(block, element, typed) : {};
        const { options, option_groups: groups } = answer;
        if (mine === asked && document.activeElement === input) show(fromOptions(groups?.length ? { option_groups: groups } : { options }));
      };
      setTimeout(ask, typed ? 150 : 0);
    }

    function show(entries) {
      const marked = entries.map((entry) => ({ ...entry, selected: chosen.some((one) => one.value === entry.value) }));
      list.show(marked, Math.max(0, many ? 0 : marked.findIndex((entry) => entry.selected)));
    }

    const typedNow = () => (!many && input.value === chosen[0]?.name ? "" : input.value.trim());
    input.addEventListener("input", () => search(input.value.trim()));
    input.addEventListener("focus", () => input.select());
    box.addEventListener("click", (event) => {
      if (event.target.closest(".chip, .list")) return;
      input.focus();
      if (!list.open()) search(typedNow());
    });
    input.addEventListener("keydown", (event) => {
      if (list.key(event)) return;
      if (["ArrowDown", "Enter"].includes(event.key)) {
        event.preventDefault();
        search(typedNow());
      }
      if (event.key === "Backspace" && many && !input.value && chosen.length) report(chosen.slice(0, -1));
    });
    input.addEventListener("blur", () => {
      asked += 1;
      list.hide();
      if (!many && !input.value.trim() && chosen.length && block.type === "input") return report([]);
      draw();
    });
    draw();
    return box;
  };
}

const fits = (entry, typed) =>
  `${entry.name} ${typeof entry.note === "string" ? entry.note : ""}`.toLowerCase().includes(typed.toLowerCase());

const KINDS = ["static", "external", "users", "conversations", "channels"];

export const SELECTS = Object.fromEntries(
  KINDS.flatMap((kind) => [
    [`${kind}_select`, picker(kind, false)],
    [`multi_${kind}_select`, picker(kind, true)],
  ]),
);
