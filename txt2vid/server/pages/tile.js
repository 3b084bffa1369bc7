// One in the call as a picture with a name: connects to its session, and says how that goes.

import { Api } from "./api.js";
import { FacePlayer } from "./faceplayer.js";
import { make, setText } from "./page.js";
import { Peer } from "./peer.js";
import { Player } from "./player.js";
import { TileCaptions } from "./tilecaptions.js";
import { shows } from "./trial.js";

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
  video; // that is seen
  /** @type {{peer: Peer, video: HTMLVideoElement} | null} */
  #trial = null; // under it
  #picture = /** @type {HTMLImageElement} */ (make("img", { class: "poster", alt: "" }));
  #name = make("span", { class: "who" });
  #muted = make("span", { class: "muted" }, "muted");
  #words = make("span", { class: "how" });
  captions = new TileCaptions(() => this.#time());
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
    this.video = this.#screen(access.mine); // nobody wants to hear themselves
    const caption = make("p", { class: "name", "aria-live": "polite", "aria-atomic": "true" }, this.#name, this.#muted, this.#words);
    this.element = make(access.mine ? "div" : "li", { class: "tile" }, this.#picture, this.video, this.captions.element, caption);
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
    this.captions.element.setAttribute("aria-label", `What ${name} says`);
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
    else if (way === "webrtc") this.#use(this.#line());
    else this.#watch();
    this.#look();
  }

  /** Whether it is the caller's own. */
  get mine() {
    return this.#access.mine;
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
    this.captions.clear();
    for (const peer of [this.peer, this.#trial?.peer]) peer?.close(tell);
    this.player?.end();
    this.face?.close();
    this.#trial?.video.remove();
    this.peer = this.player = this.face = this.#trial = null;
    this.element.removeAttribute("data-drawn");
    this.video.srcObject = null;
  }

  /**
   * Tries WebRTC while the stream plays on, and goes over to it once its pictures are there and nobody is interrupted.
   * @returns {Promise<boolean>} whether it could be had
   */
  async upgrade() {
    if (!this.player) return true;
    const trial = { peer: this.#line(), video: this.#screen(true) };
    this.#trial = trial;
    trial.video.setAttribute("aria-hidden", "true");
    this.video.before(trial.video);
    const had = await shows(trial.peer, trial.video);
    if (this.#trial !== trial) return false; // it was connected anew, or has gone
    this.#trial = null;
    if (had) this.#goOver(trial);
    else trial.video.remove();
    return had;
  }

  /** @param {{peer: Peer, video: HTMLVideoElement}} trial that is seen and heard from now on */
  #goOver({ peer, video }) {
    const [before, player] = [this.video, this.player];
    this.player = null;
    this.video = video;
    video.removeAttribute("aria-hidden");
    this.show(this.member, "");
    video.muted = this.#access.mine;
    player?.end();
    before.remove();
    this.#use(peer);
    void this.#play();
  }

  /** @param {boolean} muted */
  #screen(muted) {
    const video = /** @type {HTMLVideoElement} */ (make("video", { playsinline: "", tabindex: "-1" }));
    video.muted = muted;
    video.autoplay = true;
    for (const event of ["playing", "emptied"]) video.addEventListener(event, () => video === this.video && this.#look());
    return video;
  }

  /** A connection that begins. */
  #line() {
    const { token, iceServers, reach, mine } = this.#access;
    const kinds = mine ? ["video"] : ["audio", "video"];
    return new Peer({
      path: `/whep/${this.member.session}`,
      token,
      iceServers,
      reach,
      receives: true,
      beside: true,
      prepare: (connection) => kinds.forEach((kind) => connection.addTransceiver(kind, { direction: "recvonly" })),
    });
  }

  /** @param {Peer} peer that is seen */
  #use(peer) {
    this.peer = peer;
    peer.addEventListener("state", () => this.#look());
    peer.addEventListener("noway", () => this.dispatchEvent(new Event("noway")));
    peer.addEventListener("stream", () => {
      this.video.srcObject = peer.stream;
      void this.#play();
    });
    this.#look();
  }

  #watch() {
    this.player = new Player(this.video, this.#api);
    this.player.addEventListener("state", () => this.#look());
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

  /** Seconds of the session that are shown. */
  #time() {
    if (this.face) return this.face.time;
    if (this.player) return this.captions.of(this.video.currentTime - this.player.offset);
    return this.captions.live(this.peer?.measured?.held);
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
