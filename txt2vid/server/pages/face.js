// The page of one session whose face this browser draws itself.

import { Api, ApiError } from "./api.js";
import { label, offerFull } from "./controls.js";
import { drawsFaces, FacePlayer } from "./faceplayer.js";
import { Mover } from "./mover.js";
import { element, setText } from "./page.js";
import { StateLine } from "./state.js";

const AGAIN = 2000; // milliseconds until a session that is not there is looked for again
const READ_EVERY = 1000; // milliseconds between numbers shown
const LOOK_EVERY = 2500; // milliseconds between looks at what the face shows, for who may move it

const api = new Api();
const name = decodeURIComponent(location.pathname.split("/")[2] ?? "");
const video = /** @type {HTMLAnchorElement} */ (element("video-link"));
const sound = element("sound");
const mute = element("mute");
const volume = /** @type {HTMLInputElement} */ (element("volume"));
const mover = new Mover(api);
const line = new StateLine();
/** @type {FacePlayer | null} */
let player = null;
let before = { at: performance.now(), received: 0, drawn: 0 };

async function begin() {
  if (!(await drawsFaces())) return instead("This browser cannot draw it here.");
  try {
    showMood(await api.status(name));
  } catch (error) {
    if (error instanceof ApiError && error.unauthorized) return ask(error.message);
    line.show(error instanceof ApiError && error.status === 404 ? "ended" : "reconnecting", String(error));
    setTimeout(() => void begin(), AGAIN);
    return;
  }
  player = new FacePlayer(api);
  element("stage").querySelector(".poster")?.after(player.canvas);
  player.canvas.setAttribute("aria-label", `The face of ${name}, as it speaks`);
  player.addEventListener("state", () => (player?.state === "ended" ? again() : show()));
  player.addEventListener("noway", () => instead(player?.reason ?? ""));
  player.watch(name);
  show();
}

/** @param {import("./api.js").Status} status */
function showMood({ maySpeak, expression, asked }) {
  mover.watch(maySpeak ? { name, expression } : null, asked);
}

/** Somebody else may have moved it. */
async function look() {
  if (!mover.shown || document.hidden) return;
  const status = await api.status(name).catch(() => null); // the player says what is wrong with the server
  if (status) showMood(status);
}

/** The session has ended: it may begin anew. */
function again() {
  const over = player;
  player = null;
  line.show("ended", over?.reason ?? "");
  over?.close();
  setTimeout(() => void begin(), AGAIN);
}

/** The video does not need what is missing here. @param {string} why */
function instead(why) {
  setText(element("said"), `${why} The video is shown instead.`);
  line.show("failed", `${why} The video is shown instead…`);
  setTimeout(() => location.replace(video.href), 1500);
}

/** @param {string} why */
function ask(why) {
  element("token").hidden = false;
  if (api.token) setText(element("token-why"), `This token was refused: ${why}`);
  element("token-field").focus();
}

function show() {
  if (!player) return;
  line.show(player.state, player.reason);
  const silent = player.volume === 0 || !player.allowed;
  sound.hidden = !(silent && ["connecting", "live", "stalled"].includes(player.state));
  label(mute, silent ? "muted" : "sound", silent ? "Sound on" : "Sound off");
  volume.value = String(silent ? 0 : player.volume);
}

/** @param {number} loud 0 to 1 */
async function hear(loud) {
  if (!player) return;
  const focused = document.activeElement === sound;
  player.volume = loud;
  if (loud > 0) await player.allow();
  show();
  if (focused) mute.focus(); // the button goes away; the keyboard stays nearby
}

function read() {
  if (!player) return;
  const { received, drawn, faceBytes, buffered } = player;
  const at = performance.now();
  const milliseconds = at - before.at;
  setText(element("rate"), `${Math.max(0, ((received - before.received) * 8) / milliseconds).toFixed(0)} kbit/s`);
  setText(element("drawn"), ((1000 * (drawn - before.drawn)) / milliseconds).toFixed(0));
  setText(element("face-size"), faceBytes ? `${Math.round(faceBytes / 1000)} kB` : "–");
  setText(element("buffered"), buffered === null ? "–" : `${Math.round(buffered)} ms`);
  before = { at, received, drawn };
}

sound.addEventListener("click", () => void hear(1));
mute.addEventListener("click", () => void hear(player && player.volume > 0 && player.allowed ? 0 : 1));
volume.addEventListener("input", () => void hear(Number(volume.value)));
element("token").addEventListener("submit", (event) => {
  event.preventDefault();
  api.useToken(/** @type {HTMLInputElement} */ (element("token-field")).value);
  element("token").hidden = true;
  void begin();
});
addEventListener("pagehide", () => player?.close());
addEventListener("pageshow", (event) => event.persisted && location.reload());

api.takeToken();
video.href = `/#${encodeURIComponent(name)}`;
line.name(name);
line.show("connecting", "");
label(mute, "muted", "Sound on");
offerFull(element("full"), element("screen"));
void begin();
setInterval(read, READ_EVERY);
setInterval(() => void look(), LOOK_EVERY);
