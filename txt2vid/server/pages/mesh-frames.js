// Where UDP is blocked: single pictures over a websocket, no more on their way than the server answers.

import { encodePicture, picture } from "./mesh-wire.js";

const SUBPROTOCOL = "txt2vid.mesh.v1";
const SIDE = 640; // pixels of the longer side
const QUALITY = 0.7; // of JPEG; less where a picture comes out too large
const LARGEST = 60_000; // bytes: the server takes messages of 64 kB
const AHEAD = 2; // pictures without an answer; more would only wait
const LOST = 1500; // milliseconds after which a picture without an answer counts as left out
const PAUSE = 500; // milliseconds before the first new attempt, and a third more each time, up to PAUSES
const PAUSES = 4000;
const NEVER = new Set([4400, 4401, 4000]); // close codes after which another attempt would end alike

/**
 * Fires "state" when `state` or `reason` changes, "message" (a CustomEvent: what came), "picture" (a CustomEvent of a Blob).
 */
export class Frames extends EventTarget {
  /** @type {"connecting" | "live" | "reconnecting" | "closed"} */
  state = "connecting";
  reason = "";
  #video;
  #address;
  /** @type {WebSocket | null} */
  #socket = null;
  #canvas = document.createElement("canvas");
  #quality = QUALITY;
  /** @type {number[]} */
  #sent = []; // when those without an answer were captured
  #fps = 15;
  #next = 0;
  #busy = false;
  #failures = 0;
  #timer = 0;
  #ended = false;

  /**
   * @param {HTMLVideoElement} video
   * @param {string} token
   * @param {boolean} annotated
   */
  constructor(video, token, annotated) {
    super();
    this.#video = video;
    const url = new URL("/mesh/frames", location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    if (token) url.searchParams.set("token", token);
    if (annotated) url.searchParams.set("annotated", "1");
    this.#address = url.href;
    this.#connect();
    this.#timer = setInterval(() => void this.#show(), 10);
  }

  /** Whether something can be said. */
  get open() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** @param {string} text */
  say(text) {
    if (this.open) this.#socket?.send(text);
  }

  /** @param {number} fps pictures a second at the most */
  pace(fps) {
    this.#fps = fps;
  }

  close() {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#timer);
    this.#socket?.close();
    this.#say("closed", "");
  }

  #connect() {
    const socket = new WebSocket(this.#address, SUBPROTOCOL);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    this.#sent = [];
    socket.addEventListener("message", ({ data }) => this.#heard(data));
    socket.addEventListener("close", ({ code, reason }) => this.#lost(code, reason));
  }

  /** @param {string | ArrayBuffer} data */
  #heard(data) {
    const shown = typeof data === "string" ? null : picture(data);
    if (shown) {
      this.dispatchEvent(new CustomEvent("picture", { detail: shown }));
      return;
    }
    if (typeof data !== "string") {
      this.#failures = 0;
      const captured = data.byteLength < 16 ? 0 : new DataView(data).getFloat64(8, true);
      this.#sent = this.#sent.filter((at) => at > captured); // those before it were left out
      this.#say("live", "");
    }
    this.dispatchEvent(new CustomEvent("message", { detail: data }));
  }

  /** @type {(code: number, reason: string) => void} */
  #lost(code, reason) {
    if (this.#ended) return;
    if (NEVER.has(code)) {
      this.dispatchEvent(new CustomEvent("message", { detail: JSON.stringify({ bye: reason }) }));
      return;
    }
    this.#say("reconnecting", reason || "The server cannot be reached.");
    setTimeout(() => !this.#ended && this.#connect(), Math.min(PAUSES, PAUSE * 1.33 ** this.#failures++));
  }

  /** Sends the picture of now, where it is time for one. */
  async #show() {
    const now = performance.now();
    const captured = performance.timeOrigin + now;
    this.#sent = this.#sent.filter((at) => captured - at < LOST);
    const video = this.#video;
    if (!this.open || this.#busy || now < this.#next || this.#sent.length >= AHEAD || video.readyState < 2) return;
    this.#busy = true;
    this.#next = Math.max(now, this.#next + 1000 / this.#fps);
    const file = await this.#file().catch(() => null);
    this.#busy = false;
    if (!file || !this.open) return;
    if (file.size > LARGEST) {
      this.#quality = Math.max(0.2, this.#quality - 0.1);
      return;
    }
    this.#sent.push(captured);
    this.#socket?.send(encodePicture(await file.arrayBuffer(), false, captured));
  }

  /** @returns {Promise<Blob | null>} */
  #file() {
    const { videoWidth, videoHeight } = this.#video;
    const scale = Math.min(1, SIDE / Math.max(videoWidth, videoHeight));
    this.#canvas.width = Math.round(videoWidth * scale);
    this.#canvas.height = Math.round(videoHeight * scale);
    this.#canvas.getContext("2d", { alpha: false })?.drawImage(this.#video, 0, 0, this.#canvas.width, this.#canvas.height);
    return new Promise((resolve) => this.#canvas.toBlob(resolve, "image/jpeg", this.#quality));
  }

  /** @type {(state: Frames["state"], reason: string) => void} */
  #say(state, reason) {
    if (state === this.state && reason === this.reason) return;
    this.state = state;
    this.reason = reason;
    this.dispatchEvent(new Event("state"));
  }
}
