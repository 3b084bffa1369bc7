// The viewer page: what its parts have to do with one another.

import { Api, ApiError } from "./api.js";
import { Captions } from "./captions.js";
import { showCommands } from "./commands.js";
import { Controls } from "./controls.js";
import { mayDraw } from "./faceplayer.js";
import { Meter } from "./meter.js";
import { Mover } from "./mover.js";
import { element } from "./page.js";
import { Player } from "./player.js";
import { showReading } from "./readings.js";
import { chosenName, showSessions } from "./sessions.js";
import { StateLine } from "./state.js";

/** @typedef {import("./api.js").Session} Session */

const LIST_EVERY = 2500; // milliseconds between looks at the list of sessions
const CLOCK_EVERY = 3000; // milliseconds between questions for the session's time
const CLOCK_FIRST = 500; // milliseconds, until it is known
const READ_EVERY = 500; // milliseconds between measurements shown: numbers that change faster cannot be read

const api = new Api();
const video = /** @type {HTMLVideoElement} */ (element("video"));
const player = new Player(video, api);
const meter = new Meter(video, () => player.offset);
const captions = new Captions(video, player, api);
const mover = new Mover(api);
const line = new StateLine();
const form = /** @type {HTMLFormElement} */ (element("token"));
const field = /** @type {HTMLInputElement} */ (element("token-field"));

const draw = /** @type {HTMLAnchorElement} */ (element("draw"));
/** @type {Session[]} */
let sessions = [];
/** @type {import("./api.js").Rights} */
let rights = { maySpeak: false, watchToken: null };
let asked = 0; // performance.now() when the server was asked for them
/** @type {string | null} */
let watched = null;

/** Asks for the sessions, shows them, and goes on with the one that is chosen. */
async function refresh() {
  const now = performance.now();
  try {
    ({ sessions, rights } = await api.sessions());
    asked = now;
    form.hidden = true;
    choose(watched);
  } catch (error) {
    if (error instanceof ApiError && error.unauthorized) askForToken(error.message);
    else if (error instanceof Error) showSessions(sessions, watched, `${error.message} Trying again…`);
  }
}

/**
 * Watches the session that the address names, or the one that is worth most.
 * @param {string | null} before what is watched, where that counts
 */
function choose(before) {
  const name = chosenName(sessions, before);
  showSessions(sessions, name, "");
  const session = sessions.find((one) => one.name === name);
  showCommands(session ?? null, api.token, rights);
  mover.watch((rights.maySpeak && session) || null, asked);
  line.name(name);
  draw.hidden = !mayDraw() || name === null;
  draw.href = `s/${encodeURIComponent(name ?? "")}/face`;
  if (name === watched) return;
  watched = name;
  meter.clear();
  captions.watch(null);
  if (name === null) {
    player.close();
  } else {
    player.watch(session?.streams?.mp4 ?? `s/${encodeURIComponent(name)}/stream.mp4`);
    captions.watch(`s/${encodeURIComponent(name)}/captions`);
    void askTheTime();
  }
}

async function askTheTime() {
  const name = watched;
  if (name === null || ["paused", "failed", "ended"].includes(player.state)) return;
  const status = await api.status(name).catch(() => null); // the list says what is wrong with the server
  if (status && name === watched) meter.hear(status);
}

/** @param {string} why */
function askForToken(why) {
  if (!form.hidden) return;
  form.hidden = false;
  element("token-why").textContent = api.token ? `This token was refused: ${why}` : why;
  mover.watch(null, performance.now());
  showSessions([], null, "They are shown once the server knows you.");
  field.value = "";
  field.focus();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  api.useToken(field.value);
  form.hidden = true;
  watched = null;
  void refresh();
});

player.addEventListener("unauthorized", () => void refresh());
player.addEventListener("state", () => line.show(player.state, player.reason));
addEventListener("hashchange", () => {
  choose(null);
  void refresh(); // the session may have begun since the list came
});

/**
 * Does it now and again and again, one after the other, while the page is seen.
 * @param {() => Promise<void>} work
 * @param {() => number} pause milliseconds
 */
async function repeat(work, pause) {
  for (;;) {
    if (!document.hidden && form.hidden) await work();
    await new Promise((resolve) => setTimeout(resolve, pause()));
  }
}

api.takeToken();
new Controls(video, player);
line.show(player.state, player.reason);
showCommands(null, api.token, rights);
void repeat(refresh, () => LIST_EVERY);
void repeat(askTheTime, () => (meter.knows ? CLOCK_EVERY : CLOCK_FIRST));
setInterval(() => showReading(meter.read(), player.state), READ_EVERY);
