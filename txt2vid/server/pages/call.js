// The page of calls: starting one, joining one, being in one, and its end.

import { Api } from "./api.js";
import { Callbar } from "./callbar.js";
import { Expressions } from "./expressions.js";
import { Joining } from "./joining.js";
import { Live } from "./live.js";
import { Microphone } from "./mic.js";
import { element, setText } from "./page.js";

/** @typedef {"start" | "join" | "call" | "over"} View */
/** @typedef {import("./joining.js").Choice} Choice */

const RESUME = "txt2vid call resume";
const room = decodeURIComponent(location.pathname.split("/")[2] ?? "");
const api = new Api();
const microphone = new Microphone();
const field = /** @type {HTMLInputElement} */ (element("token-field"));
/** @type {Live | null} */
let live = null;

/** @param {View} view */
function show(view) {
  document.body.dataset.view = view;
  for (const id of ["start", "join", "call", "over"]) element(id).hidden = id !== view;
}

/** Makes a room, and goes there. */
async function start() {
  setText(element("start-why"), "");
  api.useToken(field.value || api.token || "");
  /** @type {Record<string, string>} */
  const headers = api.token ? { Authorization: `Bearer ${api.token}` } : {};
  const answer = await fetch("/call", { method: "POST", headers }).catch(() => null);
  if (answer?.status === 201) {
    location.assign((await answer.json()).url);
  } else if (answer?.status === 401 || answer?.status === 403) {
    const first = element("start-token").hidden;
    element("start-token").hidden = false;
    const said = answer.status === 403 ? await answer.text().catch(() => "") : ""; // the token may be for watching alone
    setText(element("start-why"), said ? `It cannot be started: ${said.trim()}.` : first ? "" : "This token was refused.");
    field.focus();
  } else {
    const body = await answer?.json().catch(() => null);
    setText(element("start-why"), body?.error ? `It cannot be started: ${body.error}.` : "The server cannot be reached: try again.");
  }
}

/** The heroes of the room, and whether there is such a room. */
async function look() {
  const answer = await fetch(`/call/${encodeURIComponent(room)}/heroes`, { cache: "no-store" }).catch(() => null);
  const body = await answer?.json().catch(() => null);
  if (answer?.ok) {
    joining.show(body.heroes);
  } else if (answer?.status === 404) {
    end("There is no such call", "It is over, or the link is not whole: ask for a new one.", false);
  } else {
    setText(element("join-why"), body?.error ? `${body.error}.` : "The server cannot be reached. Trying again…");
    setTimeout(() => void look(), 2000);
  }
}

/** @param {Choice} choice */
function join({ name, hero, picture }) {
  joining.hide();
  show("call");
  const call = new Live({ room, name, hero, resume: kept(), microphone });
  live = call;
  bar.use(call);
  faces.use(ownHero(call));
  for (const event of ["members", "state"]) call.room.addEventListener(event, () => faces.show());
  call.addEventListener("change", () => showCall(call));
  call.addEventListener("end", () => ended(call));
  call.room.addEventListener("welcome", () => {
    keep(call.room.welcome?.resume ?? "");
    if (picture) void bar.bring(picture);
    picture = null;
  });
  showCall(call);
  element("mute").focus();
}

/**
 * What the row of faces moves in a call.
 * @param {Live} call
 * @returns {import("./expressions.js").Moved}
 */
function ownHero(call) {
  return {
    get shown() {
      return call.inside;
    },
    get ready() {
      return call.room.state === "in";
    },
    get mood() {
      return call.room.me?.expression ?? "";
    },
    express: (name) => call.room.express(name),
  };
}

/** @param {Live} call */
function showCall(call) {
  if (call !== live || call.room.ended) return;
  const others = call.room.members.filter((one) => one.id !== call.room.welcome?.id);
  element("others").dataset.count = String(others.length);
  element("alone").hidden = others.length > 0 || call.state === "connecting";
  setText(element("alone-words"), call.inside ? "Nobody else is here yet. Send them the link." : call.words);
  element("alone-copy").hidden = !call.inside;
  element("mine").hidden = element("hero").hidden = !call.inside;
  const notice = `${call.notice} ${call.drawNotice} ${call.hint}`.trim();
  element("notice").hidden = notice === "";
  setText(element("notice"), notice);
  say(call.state, call.words);
}

/** @param {Live} call */
function ended(call) {
  const { state, code, reason } = call.room;
  live = null;
  keep("");
  microphone.close();
  if (state === "failed") end("The call has failed", reason, code !== "room");
  else end(reason.replace(/\.$/, ""), "", true);
}

/** @type {(title: string, why: string, again: boolean) => void} */
function end(title, why, again) {
  joining.hide();
  say("idle", "");
  setText(element("said"), "");
  setText(element("over-title"), title);
  setText(element("over-why"), why);
  element("again").hidden = !again;
  show("over");
  element("over").focus();
}

/** @type {(state: string, words: string) => void} */
function say(state, words) {
  element("state").dataset.state = state;
  setText(element("state-words"), words);
}

/** @returns {string | null} what gives this tab its place back after the page was loaded anew */
function kept() {
  try {
    const { room: of, resume } = JSON.parse(sessionStorage.getItem(RESUME) ?? "{}");
    return of === room ? resume : null;
  } catch {
    return null; // storage may be forbidden
  }
}

/** @param {string} resume */
function keep(resume) {
  try {
    if (resume) sessionStorage.setItem(RESUME, JSON.stringify({ room, resume }));
    else sessionStorage.removeItem(RESUME);
  } catch {
    // Then one who loads the page anew is a new caller.
  }
}

const joining = new Joining(microphone);
const bar = new Callbar(room, microphone);
const faces = new Expressions();
joining.addEventListener("join", (event) => join(/** @type {CustomEvent<Choice>} */ (event).detail));
element("start-form").addEventListener("submit", (event) => {
  event.preventDefault();
  void start();
});
element("again").addEventListener("click", () => begin());
addEventListener("pageshow", (event) => event.persisted && location.reload()); // the call was hung up when it was left

function begin() {
  say("idle", "");
  if (!room) return show("start");
  show("join");
  void look();
}

api.takeToken();
begin();
