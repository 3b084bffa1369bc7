// The list of sessions; each is a link to #NAME, so that it can be shared and the back button works.

import { element, make, setText } from "./page.js";

/** @typedef {import("./api.js").Session} Session */

/**
 * @param {Session[]} sessions
 * @param {string | null} watched
 * @returns {string | null} the one that the address names, else the one that is watched while it is there, else the
 *   first where somebody speaks, else the first
 */
export function chosenName(sessions, watched) {
  const named = fromAddress();
  if (named) return named;
  if (sessions.some((session) => session.name === watched)) return watched;
  return (sessions.find((session) => session.live) ?? sessions[0])?.name ?? null;
}

/**
 * @param {Session[]} sessions
 * @param {string | null} chosen
 * @param {string} trouble
 */
export function showSessions(sessions, chosen, trouble) {
  const list = element("sessions");
  const names = sessions.map((session) => session.name);
  for (const item of [...list.children]) {
    if (!names.includes(item.getAttribute("data-name") ?? "")) item.remove();
  }
  sessions.forEach((session, index) => {
    const old = [...list.children].find((item) => item.getAttribute("data-name") === session.name);
    const item = old ?? newItem(session.name); // kept, so that the keyboard's focus is
    if (list.children[index] !== item) list.insertBefore(item, list.children[index] ?? null);
    fill(item, session, session.name === chosen);
  });
  list.classList.toggle("old", trouble !== "");
  setText(element("sessions-note"), trouble || note(sessions, chosen));
}

/** @param {string} name */
function newItem(name) {
  const words = make("span", { class: "words" }, make("span", { class: "name" }, name));
  words.append(make("span", { class: "about" }), make("span", { class: "about size" }));
  const link = make("a", { href: `#${encodeURIComponent(name)}` }, make("span", { class: "dot" }), words);
  link.append(make("span", { class: "viewers" }));
  return make("li", { "data-name": name }, link);
}

/**
 * @param {Element} item
 * @param {Session} session
 * @param {boolean} chosen
 */
function fill(item, session, chosen) {
  const link = /** @type {HTMLElement} */ (item.firstElementChild);
  const part = (/** @type {string} */ name) => /** @type {HTMLElement} */ (link.querySelector(name));
  if (chosen) link.setAttribute("aria-current", "true");
  else link.removeAttribute("aria-current");
  const speaking = Boolean(session.speaking ?? session.live);
  link.classList.toggle("live", speaking);
  const size = session.width && session.height ? `${session.width}×${session.height}` : "";
  const fps = session.fps ? `${Math.round(Number(session.fps) * 100) / 100} fps` : "";
  setText(part(".about"), speaking ? "speaking" : session.live ? "sender connected" : "silent");
  setText(part(".size"), [size, fps].map((text) => text && ` · ${text}`).join(""));
  const viewers = session.viewers ?? 0;
  setText(part(".viewers"), viewers === 1 ? "1 viewer" : `${viewers} viewers`);
}

/**
 * @param {Session[]} sessions
 * @param {string | null} chosen
 */
function note(sessions, chosen) {
  if (chosen && !sessions.some((session) => session.name === chosen)) return sessions.length ? `“${chosen}” is not among them now.` : `There is no session “${chosen}” now.`;
  return sessions.length ? "" : "No session runs. One begins with the first command below.";
}

/** @returns {string} */
function fromAddress() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return location.hash.slice(1);
  }
}
