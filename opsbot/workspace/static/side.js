// The side: who you are, your channels with what is unread, the apps, colours, and whether the bot is connected.
import { at, el, icon } from "./dom.js";
import * as place from "./place.js";
import { arrows, menu } from "./popup.js";

const { state } = place;
const THEMES = { auto: "as your system", light: "light", dark: "dark" };

export function draw(go) {
  at("team").textContent = state.start.team;
  const me = place.user(state.me);
  at("person").replaceChildren(
    place.faceOf(me),
    el(
      "span",
      { class: "who" },
      el("span", { class: "hidden" }, "You are "),
      me?.real_name ?? state.me,
      el("small", {}, clockOf(me)),
    ),
    icon("down"),
  );
  const shown = state.start.channels;
  at("channels").replaceChildren(
    ...shown.filter((one) => !one.is_im).map((one) => row(one.id, el("span", { class: "hash" }, "#"), one.name, go)),
  );
  at("apps").replaceChildren(
    row(direct(), place.faceOf(place.user(state.start.bot)), place.user(state.start.bot)?.real_name ?? "app", go),
  );
  titled();
}

// The person's direct conversation with the bot; before there is one, the person's own id opens it.
export function direct() {
  return state.start.app?.dm ?? state.start.channels.find((one) => one.is_im)?.id ?? state.me;
}

const clockOf = (person) =>
  `${place.clock(Date.now() / 1000)} · ${person?.tz.split("/").at(-1).replaceAll("_", " ") ?? ""}${person?.is_restricted ? " · guest" : ""}`;

function row(id, before, name, go) {
  const unread = state.unread.get(id);
  const here = id === state.channel || (state.channel === "home" && id === direct());
  const said = unread?.count ? `${unread.count} unread${unread.mentions ? `, ${unread.mentions} for you` : ""}` : "";
  const mark = said
    ? el(
        "span",
        { class: unread.mentions ? "count loud" : "count" },
        el("span", { "aria-hidden": "true" }, String(unread.mentions || unread.count)),
        el("span", { class: "hidden" }, said),
      )
    : null;
  const attributes = {
    type: "button",
    class: said ? "unread" : null,
    "aria-current": here ? "page" : null,
    onclick: () => go(id),
  };
  return el("li", {}, el("button", attributes, before, el("span", { class: "name" }, name), mark));
}

export function titled() {
  const loud = [...state.unread.values()].reduce((sum, one) => sum + one.mentions, 0);
  const where = state.channel === "home" ? "Home" : place.title(place.channel(state.channel));
  document.title = `${loud ? `(${loud}) ` : ""}${where || "Workspace"} · ${state.start.team}`;
}

export function connected(count, door = "socket") {
  state.start.links = count;
  const up = count > 0 || door === "http";
  const bot = place.user(state.start.bot)?.real_name ?? "The app";
  at("bot").className = up ? "on" : "off";
  at("bot").textContent = up ? `${bot} is connected` : `${bot} is not connected`;
}

export function people(become) {
  const entries = () =>
    place
      .people()
      .map((one) => ({
        value: one.id,
        text: one.real_name,
        note: [one.profile?.title, one.is_restricted && "guest"].filter(Boolean).join(" · ") || `@${one.name}`,
        before: place.faceOf(one),
        checked: one.id === state.me,
      }));
  at("person").after(menu(at("person"), entries, become));
}

export function theme(wanted = localStorage.getItem("theme") ?? "auto") {
  const name = THEMES[wanted] ? wanted : "auto";
  localStorage.setItem("theme", name);
  if (name === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  at("theme").replaceChildren(icon(name));
  at("theme").setAttribute("aria-label", `Colours: ${THEMES[name]}`);
  at("theme").title = `Colours: ${THEMES[name]}`;
}

at("theme").addEventListener("click", () => {
  const names = Object.keys(THEMES);
  theme(names[(names.indexOf(localStorage.getItem("theme") ?? "auto") + 1) % names.length]);
});
at("side").addEventListener("keydown", (event) => {
  if (event.target.closest("ul")) arrows(event, [...at("side").querySelectorAll("ul button")]);
});
