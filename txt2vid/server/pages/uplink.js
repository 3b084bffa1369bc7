// The own voice on its way to the server, whichever that is.

import { Peer } from "./peer.js";
import { Speaker } from "./speaker.js";
import { settled } from "./trial.js";

/** @typedef {import("./tile.js").Way} Way */
/** @typedef {import("./tile.js").Access} Access */

const BITRATE = 20000; // bit/s of Opus, which is clear speech; with the headers of 50 packets a second it is 30 kbit/s

/** Fires "noway" where WebRTC cannot be had, and "change" when `state` or `reason` does. */
export class Uplink extends EventTarget {
  /** @type {Peer | Speaker | null} */
  line = null;
  /** @type {Peer | null} */
  #trial = null; // that is tried beside it
  #session;
  #access;
  #microphone;

  /**
   * @param {string} session
   * @param {Access} access
   * @param {import("./mic.js").Microphone} microphone
   */
  constructor(session, access, microphone) {
    super();
    this.#session = session;
    this.#access = access;
    this.#microphone = microphone;
  }

  get state() {
    return this.line?.state ?? "closed";
  }

  get reason() {
    return this.line?.reason ?? "";
  }

  /** @param {Way} way */
  connect(way) {
    this.close();
    if (!this.#microphone.track) return;
    this.#use(way === "webrtc" ? this.#peer() : new Speaker(this.#session, this.#access.token, this.#microphone.track));
  }

  /**
   * Tries WebRTC while the websocket goes on: the server hears that until something comes by the new line.
   * @returns {Promise<boolean>} whether it could be had
   */
  async upgrade() {
    if (!(this.line instanceof Speaker)) return true;
    const [peer, before] = [this.#peer(), this.line];
    this.#trial = peer;
    const had = await settled(peer);
    if (this.#trial !== peer) return false; // it was connected anew, or has gone
    this.#trial = null;
    if (!had) return false;
    this.#use(peer);
    before.close();
    return true;
  }

  /** @param {Peer | Speaker} line that speaks */
  #use(line) {
    this.line = line;
    const tell = (/** @type {string} */ what) => line === this.line && this.dispatchEvent(new Event(what));
    line.addEventListener("state", () => tell("change"));
    line.addEventListener("noway", () => tell("noway"));
    tell("change");
  }

  /**
   * The microphone has another track, the first one, or none any more.
   * @param {Way} way
   */
  change(way) {
    const track = this.#microphone.track;
    if (track) void this.#trial?.send(track);
    if (this.line && track) void this.line.send(track);
    else this.connect(way);
  }

  /** @param {boolean} tell whether the server does not know yet */
  close(tell = true) {
    const line = this.line;
    this.#trial?.close(tell);
    this.line = this.#trial = null;
    if (line instanceof Peer) line.close(tell);
    else line?.close();
  }

  #peer() {
    const { token, iceServers, reach } = this.#access;
    const prepare = (/** @type {RTCPeerConnection} */ connection) => {
      const track = this.#microphone.track;
      if (track) connection.addTransceiver(track, { direction: "sendonly", sendEncodings: [{ maxBitrate: BITRATE }] });
    };
    return new Peer({ path: `/whip/${this.#session}`, token, iceServers, reach, receives: false, beside: true, prepare });
  }
}
