// The own voice on its way to the server, whichever that is.

import { Peer } from "./peer.js";
import { Speaker } from "./speaker.js";

/** @typedef {import("./tile.js").Way} Way */
/** @typedef {import("./tile.js").Access} Access */

const BITRATE = 20000; // bit/s of Opus, which is clear speech; with the headers of 50 packets a second it is 30 kbit/s

/** Fires "noway" where WebRTC cannot be had, and "change" when `state` or `reason` does. */
export class Uplink extends EventTarget {
  /** @type {Peer | Speaker | null} */
  line = null;
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
    const line = way === "webrtc" ? this.#peer() : new Speaker(this.#session, this.#access.token, this.#microphone.track);
    line.addEventListener("state", () => this.dispatchEvent(new Event("change")));
    line.addEventListener("noway", () => this.dispatchEvent(new Event("noway")));
    this.line = line;
  }

  /**
   * The microphone has another track, the first one, or none any more.
   * @param {Way} way
   */
  change(way) {
    const track = this.#microphone.track;
    if (this.line && track) void this.line.send(track);
    else this.connect(way);
  }

  /** @param {boolean} tell whether the server does not know yet */
  close(tell = true) {
    if (this.line instanceof Peer) this.line.close(tell);
    else this.line?.close();
    this.line = null;
  }

  #peer() {
    const { token, iceServers, reach } = this.#access;
    const prepare = (/** @type {RTCPeerConnection} */ connection) => {
      const track = this.#microphone.track;
      if (track) connection.addTransceiver(track, { direction: "sendonly", sendEncodings: [{ maxBitrate: BITRATE }] });
    };
    return new Peer({ path: `/whip/${this.#session}`, token, iceServers, reach, receives: false, prepare });
  }
}
