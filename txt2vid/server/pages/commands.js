// What to type elsewhere to speak into a session and to watch it, ready to be copied.

import { copyText } from "./clipboard.js";
import { element, make, setText } from "./page.js";

/** @typedef {import("./api.js").Session} Session */
/** @typedef {import("./api.js").Rights} Rights */

const THANKS = 2000; // milliseconds that a button says what it did
const HIDDEN = "••••";
const OPTION = / (?=-|'?\w+:\/\/)/; // lines break before options and addresses: an option keeps its value
let shown = "";

/**
 * @param {Session | null} session
 * @param {string | null} token
 * @param {Rights} rights
 */
export function showCommands(session, token, rights) {
  const key = JSON.stringify([session?.name, session?.streams, token, rights]);
  if (key === shown) return; // what somebody selects stays selected
  shown = key;
  const visible = commands(session, token && HIDDEN, { ...rights, watchToken: rights.watchToken && HIDDEN });
  const real = commands(session, token, rights);
  element("commands").replaceChildren(...visible.map(([title, text], index) => row(title, text, real[index][1])));
  element("commands-note").hidden = !token;
}

/**
 * @param {Session | null} session
 * @param {string | null} token
 * @param {Rights} rights
 * @returns {[string, string][]} title and command
 */
function commands(session, token, { maySpeak, watchToken }) {
  const speak = new URL("speak", document.baseURI);
  speak.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  speak.hash = speak.search = "";
  const path = session?.streams?.ts ?? (session ? `s/${encodeURIComponent(session.name)}/stream.ts` : "stream.ts");
  const url = new URL(path, document.baseURI);
  url.hash = "";
  if (token) url.searchParams.set("token", token); // in the address, as every player takes it there
  const stream = quoted(token === HIDDEN ? decodeURI(url.href) : url.href);
  const named = session ? ` --session ${session.name}` : "";
  const secret = token ? ` --token ${quoted(token)}` : "";
  /** @type {[string, string][]} */
  const speaking = maySpeak ? [["Speak into it", `txt2vid send --mic ${speak.href}${named}${secret}`]] : [];
  if (watchToken !== null) speaking.push(["A link with which others only watch", link(session, watchToken)]);
  return [
    ...speaking,
    ["Watch", `txt2vid play ${stream}`],
    ["Watch with ffplay", `ffplay -fflags nobuffer -flags low_delay ${stream}`],
  ];
}

/**
 * @param {Session | null} session
 * @param {string} token
 * @returns {string} the address of this page for somebody else
 */
function link(session, token) {
  const secret = token === HIDDEN ? token : encodeURIComponent(token);
  const page = new URL(".", document.baseURI).href;
  return `${page}${secret && `?token=${secret}`}${session ? `#${session.name}` : ""}`;
}

/**
 * @param {string} word
 * @returns {string} as a shell takes it
 */
function quoted(word) {
  return /^[\w./:=@•-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** @type {(word: string) => (Node | string)[]} an address may be broken behind its slashes */
const breakable = (word) => word.split(/(?<=\w\/)/).flatMap((part) => [part, make("wbr")]);

/**
 * @param {string} title
 * @param {string} visible
 * @param {string} real
 */
function row(title, visible, real) {
  const words = visible.split(OPTION).flatMap((word) => [" ", make("span", { class: "word" }, ...breakable(word))]);
  const code = make("code", {}, ...words.slice(1));
  const button = make("button", { type: "button", "aria-label": `Copy: ${title}` }, "Copy");
  button.addEventListener("click", () => void copy(real, button, code));
  return make("div", { class: "command" }, make("h3", {}, title), button, make("pre", {}, code));
}

/**
 * @param {string} text
 * @param {HTMLElement} button
 * @param {HTMLElement} code
 */
async function copy(text, button, code) {
  const done = await copyText(text);
  if (!done) getSelection()?.selectAllChildren(code);
  setText(button, done ? "Copied" : "Press Ctrl+C");
  setText(element("said"), done ? "Copied." : "Selected: press Control C to copy.");
  setTimeout(() => {
    setText(button, "Copy");
    setText(element("said"), "");
  }, THANKS);
}
