// The microphone by websocket (docs/protocol.md), for networks that let no UDP through.

import { Encoder } from "./encoder.js";

/** @typedef {"connecting" | "live" | "reconnecting" | "closed"} SpeakerState */

const SUBPROTOCOL = "txt2vid.v1";
const SOUND = 1; // the kind of binary message
const HEADER = 8; // bytes
/** @type {Record<string, number>} bytes that may wait for the network, a second; late sound is worth nothing */
const WAITING = { opus: 4096, pcm_s16le: 32768 };
const OPENING = 5000; // milliseconds
const WAITS = [250, 500, 1000, 2000, 4000]; // milliseconds before a new attempt; the last one again and again

/** Fires "state" when `state` or `reason` changes. */
export class Speaker extends EventTarget {
  /** @type {SpeakerState} */
  state = "connecting";
  reason = "";
  sent = 0; // bytes
  /** @type {Encoder | null} */
  #encoder = null;
  /** @type {WebSocket | null} */
  #socket = null;
  #session;
  #token;
  #resume = null;
  #epoch = 0;
  #ready = false;
  #attempt = 0;
  #timer = 0;

  /**
   * @param {string} session
   * @param {string} token
   * @param {MediaStreamTrack | null} track
   */
  constructor(session, token, track) {
    super();
    this.#session = session;
    this.#token = token;
    void this.#begin(track);
  }

  get #most() {
    return WAITING[this.#encoder?.audio.codec ?? "opus"];
  }

  /** @param {MediaStreamTrack | null} track that is sent from now on */
  send(track) {
    this.#encoder?.listen(track);
  }

  /** Gives the session up. */
  close() {
    clearTimeout(this.#timer);
    this.#say("closed");
    const socket = this.#socket;
    this.#socket = null;
    socket?.close(1000);
    this.#encoder?.close();
  }

  /** @param {MediaStreamTrack | null} track */
  async #begin(track) {
    try {
      this.#encoder = await Encoder.open(track, (position, payload) => this.#packet(position, payload));
    } catch {
      return this.#say("closed", "This browser cannot hand on what the microphone hears.");
    }
    if (this.state === "closed") return this.#encoder.close();
    this.#connect();
  }

  #connect() {
    clearTimeout(this.#timer);
    const url = new URL("/speak", location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url, SUBPROTOCOL);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    this.#timer = setTimeout(() => this.#lost(socket), OPENING);
    const hello = { session: this.#session, token: this.#token, audio: this.#encoder?.audio, resume: this.#resume };
    socket.addEventListener("open", () => socket.send(JSON.stringify({ type: "hello", version: 1, ...hello })));
    socket.addEventListener("message", (event) => socket === this.#socket && this.#hear(JSON.parse(event.data)));
    socket.addEventListener("close", () => this.#lost(socket));
  }

  /** @param {any} message */
  #hear(message) {
    if (message.type === "ready") {
      clearTimeout(this.#timer);
      this.#attempt = 0;
      this.#ready = true;
      this.#epoch = message.epoch;
      this.#resume = message.resume;
      this.#say("live");
    } else if (message.type === "stats") {
      this.#epoch = message.epoch;
    } else if (message.type === "error" && !message.warning) {
      this.reason = message.message;
    }
  }

  /** @type {import("./encoder.js").OnPacket} */
  #packet(position, payload) {
    const socket = this.#socket;
    if (!this.#ready || !socket || socket.bufferedAmount > this.#most) return;
    const message = new Uint8Array(HEADER + payload.length);
    const view = new DataView(message.buffer);
    view.setUint8(0, SOUND);
    view.setUint8(1, this.#epoch);
    view.setUint16(2, Math.floor(position / 2 ** 32));
    view.setUint32(4, position % 2 ** 32);
    message.set(payload, HEADER);
    socket.send(message);
    this.sent += message.length;
  }

  /** @param {WebSocket} socket */
  #lost(socket) {
    if (socket !== this.#socket || this.state === "closed") return;
    clearTimeout(this.#timer);
    this.#ready = false;
    this.#socket = null;
    if (socket.readyState <= WebSocket.OPEN) socket.close(4000);
    this.#say("reconnecting", this.reason || "The server cannot be reached.");
    const wait = WAITS[Math.min(this.#attempt++, WAITS.length - 1)];
    this.#timer = setTimeout(() => this.#connect(), wait * (0.75 + Math.random() / 2));
  }

  /** @type {(state: SpeakerState, reason?: string) => void} */
  #say(state, reason = "") {
    if (this.state === "closed" || (state === this.state && reason === this.reason)) return;
    this.state = state;
    this.reason = reason;
    this.dispatchEvent(new Event("state"));
  }
}
