// Making elements without ever parsing text as HTML, and talking to the workspace.

export const at = (id) => document.getElementById(id);

export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "class") made.className = value;
    else if (name in made && typeof value !== "string") made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

async function call(path, options) {
  try {
    const answer = await fetch(path, options);
    return await answer.json();
  } catch {
    return { ok: false, error: "The workspace does not answer." };
  }
}

export function get(path, asked = {}) {
  return call(`${path}?${new URLSearchParams(asked)}`);
}

export function post(path, body = {}) {
  return call(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
}

// A file's bytes into the workspace; shown in a channel where one is named.
export async function upload(file, where) {
  const answer = await call(`/page/upload?${new URLSearchParams({ name: file.name, ...where })}`, { method: "POST", body: file });
  if (!answer.ok) toast(`${file.name} was not sent: ${answer.error}`);
  return answer;
}

const PATHS = {
  close: "M6 6l12 12M18 6L6 18",
  menu: "M4 7h16M4 12h16M4 17h16",
  reply: "M4 6h16v10h-9l-5 4v-4H4z",
  smile: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18M8.5 14.5a4.5 4.5 0 0 0 7 0M9 9.5v.5M15 9.5v.5",
  send: "M4 12l16-8-6 16-3-6.5z",
  search: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13M15.5 15.5L20 20",
  auto: "M12 21a9 9 0 1 0 0-18zM12 3a9 9 0 0 0 0 18",
  light:
    "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8M12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6L19 19M19 5l-1.4 1.4M6.4 17.6L5 19",
  dark: "M20 14A8.5 8.5 0 0 1 10 4a8.5 8.5 0 1 0 10 10z",
  pulse: "M3 12h4l3-8 4 16 3-8h4",
  down: "M6 9l6 6 6-6",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  file: "M6 3h8l4 4v14H6zM14 3v4h4",
  home: "M4 11l8-7 8 7v9h-5v-6H9v6H4z",
  link: "M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1",
  back: "M14 6l-6 6 6 6",
};

export function icon(name) {
  const [made, path] = ["svg", "path"].map((tag) => document.createElementNS("http://www.w3.org/2000/svg", tag));
  made.setAttribute("viewBox", "0 0 24 24");
  made.setAttribute("class", "sign");
  made.setAttribute("aria-hidden", "true");
  path.setAttribute("d", PATHS[name]);
  made.append(path);
  return made;
}

// A sentence at the foot of the page; it stays until it is read or closed.
export function toast(sentence) {
  const shown = el("div", { class: "toast" }, el("p", {}, sentence));
  const leave = () => shown.remove();
  shown.append(el("button", { type: "button", class: "bare", "aria-label": "Dismiss", onclick: leave }, icon("close")));
  at("toasts").append(shown);
  setTimeout(leave, 8000);
}

// What a screen reader is told, and nobody sees.
export function announce(sentence) {
  at("announcer").textContent = sentence;
}
