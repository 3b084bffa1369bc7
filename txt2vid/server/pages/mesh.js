// The mesh page: the own camera, what the server sees in it, and what it says of itself meanwhile.

import { Api } from "./api.js";
import { Camera } from "./mesh-camera.js";
import { Deep } from "./mesh-deep.js";
import { Overlay } from "./mesh-draw.js";
import { Link } from "./mesh-link.js";
import { Numbers } from "./mesh-numbers.js";
import { Sliders } from "./mesh-settings.js";
import { Share } from "./mesh-share.js";
import { Step } from "./mesh-step.js";
import { element, make, setText } from "./page.js";

/** @typedef {import("./mesh-wire.js").Seen} Seen */

const NOBODY = 1000; // milliseconds without a face until the page says so
const SILENT = 3000; // milliseconds without an answer until the page says so

const api = new Api();
const camera = new Camera();
const sliders = new Sliders();
const numbers = new Numbers();
const share = new Share(api);
const local = /** @type {HTMLVideoElement} */ (element("local"));
const remote = /** @type {HTMLVideoElement} */ (element("remote"));
const still = /** @type {HTMLCanvasElement} */ (element("still"));
const annotated = /** @type {HTMLInputElement} */ (element("annotated"));
const step = new Step(local, /** @type {HTMLCanvasElement} */ (element("waiting")));
const steps = /** @type {HTMLInputElement} */ (element("step"));
const mirror = /** @type {HTMLInputElement} */ (element("mirror"));
const cameras = /** @type {HTMLSelectElement} */ (element("camera"));
/** @type {Link | null} */
let link = null;
/** @type {Overlay | null} */
let overlay = null;
/** @type {Deep | null} */
let deep = null;
/** @type {Seen | null} */
let newest = null;
let met = false; // whether a face was seen since the camera was started
let seenAt = 0; // when a face was, and when anything came
let heardAt = 0;
/** @type {RTCIceServer[]} */
let iceServers = [];

async function begin() {
  setText(element("trouble"), "");
  if (!(await admitted()) || !(await camera.open(cameras.value))) return show();
  met = false;
  local.srcObject = camera.stream;
  await local.play().catch(() => {}); // it is muted, so that no browser minds
  connect();
  await listCameras();
}

/** @returns {Promise<boolean>} whether the server lets this page in */
async function admitted() {
  try {
    const about = await api.about(annotated.checked);
    iceServers = about.iceServers;
    sliders.limit(about.maxFaces);
    share.show(about.link, annotated.checked);
    element("token-form").hidden = true;
    return true;
  } catch (error) {
    const unauthorized = error instanceof Error && "unauthorized" in error && error.unauthorized === true;
    const first = unauthorized && element("token-form").hidden;
    if (unauthorized) element("token-form").hidden = false;
    const words = unauthorized ? "This token was refused." : error instanceof Error ? error.message : "";
    setText(element("trouble"), first ? "" : words);
    if (unauthorized) element("token-field").focus();
    return false;
  }
}

/** Another connection, with the camera that is on. */
function connect() {
  link?.close();
  link = null;
  const track = camera.track;
  if (!track) return show();
  numbers.forget();
  newest = null;
  seenAt = heardAt = performance.now();
  const made = new Link({ track, video: local, sliders, token: api.token ?? "", annotated: annotated.checked, iceServers });
  link = made;
  made.addEventListener("state", show);
  made.addEventListener("seen", (event) => made === link && seen(/** @type {CustomEvent<Seen>} */ (event).detail));
  made.addEventListener("bye", () => ended(made.reason));
  made.addEventListener("stream", () => {
    remote.srcObject = made.stream;
    void remote.play().catch(() => {});
  });
  made.addEventListener("picture", (event) => void paint(/** @type {CustomEvent<Blob>} */ (event).detail));
  remote.srcObject = null;
  show();
}

/** @param {Blob} picture that came back */
async function paint(picture) {
  const bitmap = await createImageBitmap(picture).catch(() => null);
  if (!bitmap) return;
  [still.width, still.height] = [bitmap.width, bitmap.height];
  still.getContext("2d")?.drawImage(bitmap, 0, 0);
  bitmap.close();
}

/** @param {Seen} what */
function seen(what) {
  heardAt = performance.now();
  if (what.faces.length > 0) {
    seenAt = heardAt;
    met = true;
  }
  const first = newest === null;
  newest = what;
  requestAnimationFrame(() => {
    if (newest !== what) return; // a newer one came before the screen was ready
    step.show(what.captured);
    overlay?.draw(annotated.checked ? null : what);
    deep?.show(what);
    numbers.drawn(what);
  });
  if (first) show();
  notice();
}

/** @param {string} why the server ended it */
function ended(why) {
  stop();
  setText(element("trouble"), why);
}

function stop() {
  link?.close();
  link = null;
  camera.close();
  local.srcObject = remote.srcObject = null;
  newest = null;
  overlay?.draw(null);
  deep?.show(null);
  numbers.forget();
  show();
}

function show() {
  const on = camera.state === "on" && link !== null;
  document.body.dataset.view = on ? "live" : "start";
  element("start").hidden = on;
  const begins = /** @type {HTMLButtonElement} */ (element("begin"));
  begins.disabled = camera.state === "asking";
  /** @type {HTMLButtonElement} */ (element("stop")).disabled = !on;
  if (camera.state === "refused") setText(element("trouble"), camera.reason);
  const back = on && annotated.checked;
  remote.hidden = !back || link?.way !== "webrtc";
  element("step-field").hidden = !step.able || annotated.checked;
  step.use(on && steps.checked && !annotated.checked);
  still.hidden = !back || link?.way !== "websocket";
  const state = on && link ? (link.state === "live" && newest === null ? "connecting" : link.state) : "idle";
  element("state").dataset.state = state;
  setText(element("state-words"), words(state));
  notice();
}

/** @param {string} state */
function words(state) {
  if (camera.state === "asking") return "Waiting for the camera";
  if (!link || state === "idle") return "";
  if (state === "connecting") return "Connecting…";
  if (state === "reconnecting") return "Connecting again…";
  return link.way === "webrtc" ? "Live" : `Live, by websocket: ${link.why}`;
}

/** One line over the picture: what is wrong, or what to do. */
function notice() {
  const now = performance.now();
  let text = "";
  if (link && camera.state === "on") {
    if (now - heardAt > NOBODY) step.hide();
    if (link.state === "reconnecting") text = link.reason;
    else if (link.state === "live" && now - heardAt > SILENT) text = "The server does not answer. Waiting for it…";
    else if (newest && newest.faces.length === 0 && now - seenAt > NOBODY) {
      text = met
        ? "The face has left. It is followed again as soon as it is back."
        : "No face is seen. Come before the camera, with light on your face.";
    }
  }
  element("notice").hidden = text === "";
  setText(element("notice"), text);
}

async function listCameras() {
  const found = await camera.list();
  element("camera-field").hidden = found.length < 2;
  const using = camera.track?.getSettings().deviceId ?? "";
  cameras.replaceChildren(
    ...found.map((device, at) => make("option", { value: device.deviceId }, device.label || `Camera ${at + 1}`)),
  );
  cameras.value = using;
}

async function draw() {
  const answer = await fetch("/mesh/topology").catch(() => null);
  if (!answer?.ok) return setText(element("trouble"), "The server cannot be reached: load the page again.");
  const topology = await answer.json();
  overlay = new Overlay(/** @type {HTMLCanvasElement} */ (element("overlay")), topology);
  deep = new Deep(/** @type {HTMLCanvasElement} */ (element("deep")), topology);
  document.body.dataset.painter = `${overlay.kind} ${deep.kind}`;
  deep.show(null);
}

/** Video and canvas take the camera's shape. */
function shape() {
  if (!local.videoWidth) return;
  element("picture").style.setProperty("--shape", String(local.videoWidth / local.videoHeight));
}

element("begin").addEventListener("click", () => void begin());
element("stop").addEventListener("click", () => {
  stop();
  element("begin").focus();
});
element("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  api.useToken(/** @type {HTMLInputElement} */ (element("token-field")).value);
  void begin();
});
mirror.addEventListener("change", () => {
  document.body.classList.toggle("mirrored", mirror.checked);
  deep?.mirror(mirror.checked);
});
steps.addEventListener("change", show);
annotated.addEventListener("change", () => {
  overlay?.draw(null);
  void admitted();
  if (link) connect();
});
cameras.addEventListener("change", async () => {
  const chosen = cameras.value;
  if (!(await camera.open(chosen))) return stop();
  local.srcObject = camera.stream;
  await local.play().catch(() => {});
  if (camera.track) await link?.show(camera.track);
});
sliders.addEventListener("change", () => link?.tune());
camera.addEventListener("state", () => {
  if (camera.state === "refused" && link) {
    const why = camera.reason;
    stop();
    setText(element("trouble"), why);
  } else show();
});
local.addEventListener("resize", shape);
local.addEventListener("loadedmetadata", shape);
navigator.mediaDevices?.addEventListener?.("devicechange", () => camera.state === "on" && void listCameras());
addEventListener("pagehide", () => link?.close());
addEventListener("pageshow", (event) => event.persisted && location.reload());
setInterval(() => {
  notice();
  numbers.show();
}, 500);

annotated.checked = new URLSearchParams(location.search).get("annotated") === "1";
api.takeToken();
document.body.classList.toggle("mirrored", mirror.checked);
show();
void draw();
void admitted();
