// The way to the server and back: WebRTC, or a websocket with single pictures where UDP is blocked.

import { Frames } from "./mesh-frames.js";
import { decode } from "./mesh-wire.js";
import { Peer } from "./peer.js";

/** @typedef {import("./mesh-settings.js").Sliders} Sliders */
/** @typedef {import("./mesh-wire.js").Seen} Seen */
/**
 * @typedef {{track: MediaStreamTrack, video: HTMLVideoElement, sliders: Sliders, token: string, annotated: boolean,
 *   iceServers: RTCIceServer[]}} Wanted
 *   video: shows the track
 */

const LABEL = "mesh";
const BITRATE = 900_000; // bit/s at the most: 640x480 at which a face's landmarks are as good as those of the camera
const TICK = 50; // milliseconds between looks at whether settings are due

/**
 * Fires "state" when `state`, `reason` or `way` changes, "seen" (a CustomEvent of a Seen), "stream" with pictures that come
 * back, "picture" (a CustomEvent of a Blob) likewise, "bye" when the server ends it; `reason` says why.
 */
export class Link extends EventTarget {
  /** @type {"connecting" | "live" | "reconnecting" | "closed"} */
  state = "connecting";
  reason = "";
  /** @type {"webrtc" | "websocket"} */
  way = "webrtc";
  why = ""; // that it is not WebRTC
  stream = new MediaStream();
  #wanted;
  /** @type {Peer | null} */
  #peer = null;
  /** @type {Frames | null} */
  #frames = null;
  /** @type {RTCDataChannel | null} */
  #channel = null;
  /** @type {RTCRtpSender | null} */
  #sender = null;
  #newest = -1;
  #fps = 0;
  #timer;

  /** @param {Wanted} wanted */
  constructor(wanted) {
    super();
    this.#wanted = wanted;
    this.#timer = setInterval(() => this.tune(), TICK);
    if ("RTCPeerConnection" in window) this.#byPeer();
    else this.#byFrames("none");
  }

  /** Sends settings, where some are due. */
  tune() {
    const open = this.#channel?.readyState === "open" || this.#frames?.open;
    const due = open ? this.#wanted.sliders.due() : null;
    if (due === null) return;
    if (this.#frames) this.#frames.say(due);
    else this.#channel?.send(due);
  }

  /** @param {MediaStreamTrack} track another camera */
  async show(track) {
    this.#wanted.track = track;
    await this.#peer?.send(track);
  }

  close() {
    clearInterval(this.#timer);
    this.#peer?.close();
    this.#frames?.close();
    this.#say("closed", "");
  }

  #byPeer() {
    const { token, annotated, iceServers } = this.#wanted;
    const path = `/mesh/peers${annotated ? "?annotated=1" : ""}`;
    const peer = new Peer({
      path,
      token,
      iceServers,
      receives: annotated,
      prepare: (connection) => this.#prepare(connection),
      reach: () => reached(token),
    });
    this.#peer = peer;
    peer.addEventListener("state", () => {
      if (peer.state !== "closed") this.#say(peer.state === "live" && this.#newest < 0 ? "connecting" : peer.state, peer.reason);
    });
    peer.addEventListener("stream", () => {
      this.stream = peer.stream;
      this.dispatchEvent(new Event("stream"));
    });
    peer.addEventListener("noway", () => this.#byFrames(peer.noWay?.reason ?? "blocked"));
  }

  /** @param {RTCPeerConnection} connection */
  #prepare(connection) {
    const { track, annotated, sliders } = this.#wanted;
    track.contentHint = "motion"; // fewer pictures are worse than softer ones
    const transceiver = connection.addTransceiver(track, {
      direction: annotated ? "sendrecv" : "sendonly",
      sendEncodings: [{ maxBitrate: BITRATE, maxFramerate: 30 }],
    });
    this.#sender = transceiver.sender;
    this.#fps = this.#newest = -1;
    const channel = connection.createDataChannel(LABEL, { ordered: false, maxRetransmits: 0 });
    channel.binaryType = "arraybuffer";
    sliders.forget();
    channel.addEventListener("open", () => this.tune());
    channel.addEventListener("message", ({ data }) => this.#heard(data));
    this.#channel = channel;
  }

  /** @param {"blocked" | "none"} why */
  #byFrames(why) {
    this.way = "websocket";
    this.why = why === "blocked" ? "UDP is blocked here" : "There is no WebRTC here";
    this.#peer = this.#channel = this.#sender = null;
    const { video, token, annotated, sliders } = this.#wanted;
    this.#newest = -1;
    const frames = new Frames(video, token, annotated);
    this.#frames = frames;
    frames.addEventListener("state", () => {
      if (frames.state === "connecting" || frames.state === "reconnecting") this.#newest = -1;
      if (frames.state !== "live") sliders.forget();
      this.#say(frames.state, frames.reason);
      this.tune();
    });
    frames.addEventListener("message", (event) => this.#heard(/** @type {CustomEvent} */ (event).detail));
    frames.addEventListener("picture", (event) => {
      this.dispatchEvent(new CustomEvent("picture", { detail: /** @type {CustomEvent} */ (event).detail }));
    });
    this.#say("connecting", "");
  }

  /** @param {string | ArrayBuffer} data */
  #heard(data) {
    if (typeof data === "string") {
      const { bye } = said(data);
      if (typeof bye === "string") this.#bye(bye);
      return;
    }
    const seen = decode(data);
    if (!seen || seen.frame <= this.#newest) return; // it was overtaken
    this.#newest = seen.frame;
    this.#wanted.sliders.answered(seen.serial);
    this.#pace(seen.fps);
    if (this.#peer?.state === "live") this.#say("live", "");
    this.dispatchEvent(new CustomEvent("seen", { detail: seen }));
  }

  /** @param {number} fps that the server has time for */
  #pace(fps) {
    if (fps === this.#fps || fps === 0) return;
    this.#fps = fps;
    this.#frames?.pace(fps);
    const sender = this.#sender;
    if (!sender) return;
    const parameters = sender.getParameters();
    if (!parameters.encodings?.length) return;
    parameters.encodings[0].maxFramerate = fps;
    sender.setParameters(parameters).catch(() => {}); // then the server leaves some out
  }

  /** @param {string} why */
  #bye(why) {
    this.close();
    this.reason = why;
    this.dispatchEvent(new Event("bye"));
  }

  /** @type {(state: Link["state"], reason: string) => void} */
  #say(state, reason) {
    if (this.state === "closed" || (state === this.state && reason === this.reason)) return;
    this.state = state;
    this.reason = reason;
    this.dispatchEvent(new Event("state"));
  }
}

/**
 * @param {string} text
 * @returns {{bye?: unknown}}
 */
function said(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

/**
 * Resolves once the server can be reached; each try is a new request.
 * @param {string} token
 */
async function reached(token) {
  for (;;) {
    const headers = { Authorization: `Bearer ${token}` };
    const answer = await fetch("/mesh/about", { headers, cache: "no-store", signal: AbortSignal.timeout(2000) }).catch(() => null);
    if (answer) return;
    await new Promise((resolve) => setTimeout(resolve, 400));
  }
}
