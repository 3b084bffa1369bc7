// One in the call as a picture with a name: connects to its session, and says how that goes.

import { Api } from "./api.js";
import { FacePlayer } from "./faceplayer.js";
import { make, setText } from "./page.js";
import { Peer } from "./peer.js";
import { Player } from "./player.js";

/** @typedef {import("./room.js").Member} Member */
/** @typedef {"webrtc" | "web"} Way  web: the stream over HTTP */
/** @typedef {{token: string, iceServers: RTCIceServer[], reach: () => Promise<void>, mine: boolean}} Access */

/** @type {Record<string, string>} what is said of a player's states */
const PLAYER = { connecting: "Connecting…", reconnecting: "Reconnecting…", stalled: "Waiting for pictures…", live: "" };

/** @type {Record<string, Tile["state"]>} of a player's; what is not here is "reconnecting" */
const KINDS = { live: "live", connecting: "connecting", idle: "connecting", failed: "failed" };

/** Fires "noway" where WebRTC cannot be had, "nodrawing" where the face cannot be drawn here, and "change" with its state. */
export class Tile extends EventTarget {
  /** @type {"connecting" | "live" | "reconnecting" | "failed"} */
  state = "connecting";
  /** @type {Peer | null} */
  peer = null;
  /** @type {Player | null} */
  player = null;
  /** @type {FacePlayer | null} */
  face = null; // drawn here
  video = /** @type {HTMLVideoElement} */ (make("video", { playsinline: "", tabindex: "-1" }));
  #picture = /** @type {HTMLImageElement} */ (make("img", { class: "poster", alt: "" }));
  #name = make("span", { class: "who" });
  #muted = make("span", { class: "muted" }, "muted");
  #words = make("span", { class: "how" });
  element;
  /** @type {Member} */
  member;
  #access;
  #api;

  /**
   * @param {Member} member
   * @param {Access} access
   */
  constructor(member, access) {
    super();
    this.#api = new Counting(access.token);
    this.member = member;
    this.#access = access;
    this.video.muted = access.mine; // nobody wants to hear themselves
    this.video.autoplay = true;
    const caption = make("p", { class: "name", "aria-live": "polite", "aria-atomic": "true" }, this.#name, this.#muted, this.#words);
    this.element = make(access.mine ? "div" : "li", { class: "tile" }, this.#picture, this.video, caption);
    for (const event of ["playing", "emptied"]) this.video.addEventListener(event, () => this.#look());
    this.show(member, "");
  }

  /**
   * @param {Member} member
   * @param {string} picture of its hero, while it does not move; may be empty
   */
  show(member, picture) {
    this.member = member;
    const name = this.#access.mine ? "You" : member.name || "Somebody";
    setText(this.#name, name);
    this.video.setAttribute("aria-label", `${name}, as a talking face`);
    this.#muted.hidden = !member.muted;
    if (picture && this.#picture.getAttribute("src") !== picture) this.#picture.src = picture;
    this.#look();
  }

  /**
   * @param {Way} way in which pictures and sound come from now on
   * @param {boolean} draws whether the face is drawn here instead, and only motion and sound come
   */
  connect(way, draws) {
    this.close();
    if (draws) this.#draw();
    else if (way === "webrtc") this.#call();
    else this.#watch();
    this.#look();
  }

  /** Bytes that came by the stream. */
  get received() {
    return this.#api.received;
  }

  /** Milliseconds that are held back. */
  get held() {
    const { buffered, currentTime } = this.video;
    if (this.face) return this.face.buffered;
    return buffered.length ? (buffered.end(buffered.length - 1) - currentTime) * 1000 : null;
  }

  /** @param {boolean} tell whether the server does not know yet */
  close(tell = true) {
    this.peer?.close(tell);
    this.player?.close();
    this.face?.close();
    this.peer = this.face = null;
    this.element.removeAttribute("data-drawn");
    this.video.srcObject = null;
  }

  #call() {
    const { token, iceServers, reach, mine } = this.#access;
    const kinds = mine ? ["video"] : ["audio", "video"];
    const peer = new Peer({
      path: `/whep/${this.member.session}`,
      token,
      iceServers,
      reach,
      receives: true,
      prepare: (connection) => kinds.forEach((kind) => connection.addTransceiver(kind, { direction: "recvonly" })),
    });
    this.peer = peer;
    peer.addEventListener("state", () => this.#look());
    peer.addEventListener("noway", () => this.dispatchEvent(new Event("noway")));
    peer.addEventListener("stream", () => {
      this.video.srcObject = peer.stream;
      void this.#play();
    });
  }

  #watch() {
    if (!this.player) {
      this.player = new Player(this.video, this.#api);
      this.player.addEventListener("state", () => this.#look());
    }
    this.player.watch(`/s/${this.member.session}/stream.mp4`);
  }

  #draw() {
    const face = new FacePlayer(this.#api);
    this.face = face;
    this.element.dataset.drawn = "";
    this.video.after(face.canvas);
    face.canvas.setAttribute("aria-label", this.video.getAttribute("aria-label") ?? "");
    face.addEventListener("state", () => this.#look());
    face.addEventListener("noway", () => this.dispatchEvent(new Event("nodrawing")));
    face.volume = this.#access.mine ? 0 : 1;
    face.watch(this.member.session);
    if (!this.#access.mine && !face.allowed) addEventListener("click", () => void face.allow(), { once: true });
  }

  async #play() {
    try {
      await this.video.play();
    } catch (error) {
      if (!(error instanceof Error) || error.name !== "NotAllowedError") return;
      addEventListener("click", () => void this.#play(), { once: true }); // browsers want one before they make sound
      this.#how("connecting", "Click for sound.");
    }
  }

  #look() {
    if (!this.member.here) return this.#how("reconnecting", "away: their network was cut");
    if (this.face) {
      const { state, reason } = this.face;
      this.#how(KINDS[state] ?? "reconnecting", state === "live" ? "" : reason || "Connecting…");
    } else if (this.peer) {
      const seen = this.video.videoWidth > 0 && this.video.readyState >= 2;
      if (this.peer.state === "reconnecting") this.#how("reconnecting", this.peer.reason || "Reconnecting…");
      else this.#how(this.peer.state === "live" && seen ? "live" : "connecting", seen ? "" : "Connecting…");
    } else if (this.player) {
      const { state, reason } = this.player;
      const words = PLAYER[state] ?? (reason || "Not there.");
      this.#how(KINDS[state] ?? "reconnecting", words);
    }
  }

  /** @type {(state: Tile["state"], words: string) => void} */
  #how(state, words) {
    this.state = state;
    this.element.dataset.state = state;
    setText(this.#words, words);
    this.dispatchEvent(new Event("change"));
  }
}

/** Counts what streams bring. */
class Counting extends Api {
  received = 0; // bytes

  /** @type {Api["stream"]} */
  async stream(path, signal) {
    const reader = await super.stream(path, signal);
    const read = async () => {
      const got = await reader.read();
      this.received += got.value?.byteLength ?? 0;
      return got;
    };
    return /** @type {ReadableStreamDefaultReader<Uint8Array>} */ (/** @type {unknown} */ ({ read }));
  }
}
