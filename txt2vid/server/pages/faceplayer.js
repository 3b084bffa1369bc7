// Plays one session by drawing its face here: motion and sound come, no pictures. What is shown is what is heard.

import { FaceGl } from "./facegl.js";
import { FaceStream } from "./facestream.js";
import { decodesOpus, Heard } from "./heard.js";
import { between } from "./meshwire.js";
import { make } from "./page.js";
import { RATE } from "./playout.js";
import { readRig } from "./rigfile.js";

/** @typedef {import("./meshwire.js").Moved} Moved */
/** @typedef {"idle" | "connecting" | "live" | "stalled" | "reconnecting" | "ended" | "failed"} State */

const KEPT = 100; // motions that wait to be shown: four seconds; more is a mistake, and the oldest goes
const STILL = 0.7; // seconds without new motion after which it counts as stalled
const QUICK = 25; // milliseconds from one picture to the next, up to which there is time to draw some between motions
const SOUND_LEAD = RATE * 0.08; // samples that sound comes before the motion of its time

const NEEDED = ["WebGL2RenderingContext", "AudioDecoder", "OffscreenCanvas", "DecompressionStream"];

/** Whether faces may be drawn here: the browser has what is needed, though perhaps no graphics card. */
export const mayDraw = () => NEEDED.every((name) => name in globalThis);

/** Whether faces can be drawn here: WebGL 2 works, and Opus. */
export async function drawsFaces() {
  if (!mayDraw()) return false;
  const gl = new OffscreenCanvas(1, 1).getContext("webgl2");
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return gl !== null && decodesOpus();
}

/** Fires "state" when `state` or `reason` changes, and "noway" where it cannot be done here: the video can. */
export class FacePlayer extends EventTarget {
  /** @type {State} */
  state = "idle";
  reason = "";
  canvas = /** @type {HTMLCanvasElement} */ (make("canvas", { role: "img" }));
  drawn = 0; // pictures
  faceBytes = 0; // of the face, which comes once
  #api;
  /** @type {FaceStream | null} */
  #stream = null;
  #heard = new Heard();
  /** @type {FaceGl | null} */
  #gl = null;
  /** @type {Moved[]} */
  #motions = [];
  #path = "";
  #volume = 0;
  #rig = -1; // the number of the face that is shown
  #loading = -1; // of the one that comes
  #gone = new AbortController();
  #connected = false;
  #drewAt = -Infinity; // performance.now()
  #shownAt = NaN; // the position of what is on the canvas

  /** @param {import("./api.js").Api} api */
  constructor(api) {
    super();
    this.#api = api;
  }

  /** @param {string} session that is played */
  watch(session) {
    this.#path = `s/${encodeURIComponent(session)}`;
    try {
      this.#gl = new FaceGl(this.canvas);
    } catch (error) {
      return this.#noWay(error);
    }
    this.#gl.addEventListener("lost", () => this.#noWay(new Error("The graphics card was taken away.")));
    const address = new URL(this.#api.address(`${this.#path}/mesh`));
    address.protocol = address.protocol.replace("http", "ws");
    const stream = new FaceStream(address.href);
    this.#stream = stream;
    stream.addEventListener("open", () => this.#begin());
    stream.addEventListener("message", (event) => this.#take(/** @type {CustomEvent} */ (event).detail));
    stream.addEventListener("lost", (event) => this.#lost(/** @type {CustomEvent} */ (event).detail));
    stream.addEventListener("over", (event) => this.#over(/** @type {CustomEvent} */ (event).detail));
    this.#say("connecting");
    this.#draw();
  }

  /** 0 to 1. Sound may want a click before it is heard. */
  get volume() {
    return this.#volume;
  }

  set volume(volume) {
    this.#volume = volume;
    this.#heard.setVolume(volume);
  }

  /** Whether the browser lets it be heard. */
  get allowed() {
    return this.#heard.allowed;
  }

  /** To be called in a click's handler. */
  async allow() {
    await this.#heard.allow();
    this.dispatchEvent(new Event("state"));
  }

  /** Bytes of motion and sound. */
  get received() {
    return this.#stream?.received ?? 0;
  }

  /** Milliseconds that are there and not yet shown. */
  get buffered() {
    const { playout, now } = this.#heard;
    return playout.runs ? Math.max(0, playout.ahead(now) * 1000) : null;
  }

  /** Seconds of the session that are shown. */
  get time() {
    return this.#heard.position / RATE;
  }

  /** Samples that what is on the canvas is behind what is heard. */
  get behind() {
    return this.#heard.position - this.#shownAt;
  }

  close() {
    this.#gone.abort();
    this.#stream?.close();
    this.#heard.close();
    this.#gl?.close();
    this.canvas.remove();
    this.#say("idle");
  }

  #begin() {
    this.#connected = true;
    this.#motions = [];
    this.#heard.clear();
  }

  /** @param {string} why */
  #lost(why) {
    this.#connected = false;
    this.#say("reconnecting", why);
  }

  /** @param {{motions: Moved[], sounds: import("./meshwire.js").Sound[]}} message */
  #take({ motions, sounds }) {
    this.#motions = [...this.#motions, ...motions].slice(-KEPT);
    const last = motions.at(-1)?.position ?? (sounds.length && !this.#motions.length ? sounds[sounds.length - 1].position - SOUND_LEAD : NaN);
    const end = Number.isNaN(last) ? this.#motions.at(-1)?.position : last;
    if (end !== undefined) this.#heard.push(sounds, end);
    const rig = motions.at(-1)?.rig;
    if (rig !== undefined && rig !== this.#rig && rig !== this.#loading) void this.#load(rig);
  }

  /** @param {number} number of the face */
  async #load(number) {
    this.#loading = number;
    try {
      const file = await this.#api.bytes(`${this.#path}/rig/${number}`, this.#gone.signal);
      const rig = await readRig(file);
      if (this.#gone.signal.aborted || number !== this.#loading) return;
      this.#gl?.show(rig);
      this.faceBytes = file.byteLength;
      this.#rig = number;
    } catch (error) {
      if (this.#gone.signal.aborted) return;
      const status = /** @type {{status?: number}} */ (error).status;
      if (status === undefined) this.#noWay(error); // the file came, and cannot be drawn
      else this.#say("reconnecting", error instanceof Error ? error.message : ""); // the next message asks again
    } finally {
      if (number === this.#loading) this.#loading = -1;
    }
  }

  /** Draws what is heard, each time that the screen is. */
  #draw() {
    if (this.#gone.signal.aborted) return;
    requestAnimationFrame(() => this.#draw());
    const smooth = performance.now() - this.#drewAt < QUICK;
    const moved = this.#gl?.ready ? this.#now(smooth) : null;
    if (!moved) return;
    const newest = this.#motions.at(-1)?.position ?? NaN;
    const stalls = this.#heard.position - newest > STILL * RATE;
    if (stalls && this.state === "live") this.#say("stalled", "Nothing comes just now.");
    if (!stalls && this.#connected) this.#say("live");
    this.#drewAt = performance.now();
    if (moved.position === this.#shownAt) return;
    this.#gl?.draw(moved.motion);
    this.#shownAt = moved.position;
    this.drawn += 1;
  }

  /** What is to be seen now. @param {boolean} smooth between two motions, where both are of the face that is shown */
  #now(smooth) {
    const position = this.#heard.position;
    const mine = this.#motions.filter((one) => one.rig === this.#rig);
    const next = mine.findIndex((one) => one.position > position);
    if (next === 0 || !mine.length) return mine[0] ?? null;
    const one = next < 0 ? mine[mine.length - 1] : mine[next - 1];
    this.#motions = this.#motions.filter((each) => each.position >= one.position);
    if (next < 0 || !smooth) return one;
    const share = (position - one.position) / (mine[next].position - one.position);
    return { ...one, position, motion: between(one.motion, mine[next].motion, share) };
  }

  /** @param {{code: string, message: string}} why */
  #over({ code, message }) {
    const words = message ? `${message[0].toUpperCase()}${message.slice(1)}.` : "";
    if (code === "face") this.#noWay(new Error(words));
    else this.#say("ended", words);
  }

  /** @param {unknown} error */
  #noWay(error) {
    if (this.#gone.signal.aborted) return;
    this.#say("failed", error instanceof Error ? error.message : String(error));
    this.dispatchEvent(new Event("noway"));
  }

  /** @type {(state: State, reason?: string) => void} */
  #say(state, reason = "") {
    if (state === this.state && reason === this.reason) return;
    this.state = state;
    this.reason = reason;
    this.dispatchEvent(new Event("state"));
  }
}
